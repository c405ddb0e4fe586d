"""Tells the story: step by step until one is not proven, and counts the proofs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from demo.proof import Evidence, Finding, Proof, StoryError
from demo.scene import Scene
from demo.stage import Stage
from demo.steps import STEPS, Step
from demo.timeline import Timeline


async def tell(stage: Stage, timeline: Timeline, *, spoil: int) -> Sequence[Proof]:
    """Tell all steps, or up to the first that is not proven; `spoil` is the step to be spoiled."""
    scene = Scene(stage=stage, timeline=timeline, newcomer=stage.story.newcomer)
    proofs: list[Proof] = []
    for number, step in enumerate(STEPS, 1):
        scene.is_spoiled = number == spoil
        timeline.chapter(number, step.title)
        proof = await _proof(scene, number, step)
        timeline.prove(proof)
        proofs.append(proof)
        if not proof.is_proven:
            break
    return proofs


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
