"""Tells the story: step by step until one is not proven, and counts the proofs."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from demo.proof import Evidence, Finding, Proof, StoryError
from demo.scene import Scene
from demo.stage import Stage
from demo.steps import STEPS, Step
from demo.timeline import Timeline


async def tell(
    stage: Stage, timeline: Timeline, *, spoil: Collection[int], mends: bool = False
) -> Sequence[Proof]:
    """Tell all steps, or up to the first that is not proven; `spoil` are the steps to be spoiled.

    With `mends` the world is put right after a spoiled step, where that can be, and the next told.
    """
    scene = Scene(stage=stage, timeline=timeline, newcomer=stage.story.newcomer)
    proofs: list[Proof] = []
    for number, step in enumerate(STEPS, 1):
        scene.is_spoiled = number in spoil
        timeline.chapter(number, step.title)
        proof = await _proof(scene, number, step)
        timeline.prove(proof)
        proofs.append(proof)
        if proof.is_proven:
            continue
        if not (mends and scene.is_spoiled and await _mended(scene, step)):
            break
    return proofs


async def _mended(scene: Scene, step: Step) -> bool:
    """Put the world right, and tell whether it is."""
    if step.mend is None:
        return False
    findings = await step.mend(scene)
    scene.timeline.happens("by hand", "what was spoiled is mended")
    scene.timeline.found(findings)
    return all(found.is_proven for found in findings)


def is_whole(proofs: Sequence[Proof]) -> bool:
    """Whether every step of the story is there and proven."""
    return len(proofs) == len(STEPS) and all(proof.is_proven for proof in proofs)


async def _proof(scene: Scene, number: int, step: Step) -> Proof:
    began_at = time.monotonic()
    try:
        with scene.timeline.waiting(step.title):
            evidence = await step.tell(scene)
    except StoryError as error:
        trouble = Finding(where="story", what="goes on", wanted="yes", found=str(error))
        evidence = Evidence(findings=[trouble])
    return Proof(
        step=number,
        title=step.title,
        evidence=evidence,
        journal=await scene.marks(),
        took_s=time.monotonic() - began_at,
    )
