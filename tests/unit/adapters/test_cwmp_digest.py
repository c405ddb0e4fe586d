"""Digest by the vectors of the RFCs; nonces that are ours, late, forgotten, or spent."""

from gateway.adapters.stb.cwmp import digest
from gateway.adapters.stb.cwmp.nonces import LASTS_S, SKEW_S, Nonces, Use
from gateway.adapters.stb.cwmp.strikes import FREE_MAX, Strikes
from runtime.chance import SeededChance

# RFC 7616, 3.9.1: the same request by both algorithms.
RFC_7616 = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
    'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
MD5 = "8ca523f5e9506fed4657c9700eebdbec"
SHA_256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
# RFC 2617, 3.5
RFC_2617 = (
    'Digest username="Mufasa", realm="testrealm@host.com", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001, '
    'cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)

KEY = b"k" * 32
PEER = "192.0.2.1"


def proven(header: str, password: str) -> bool:
    """Check a header of a GET."""
    proof = digest.proof_of(header)
    assert proof is not None
    secret = digest.secret_of(proof.algorithm, proof.username, proof.realm, password)
    return digest.is_proven(proof, secret, "GET")


def test_the_vectors_of_the_rfcs_are_proven():
    """MD5 and SHA-256 of RFC 7616 and the example of RFC 2617; another password is not."""
    assert proven(RFC_7616.format(algorithm="MD5", response=MD5), "Circle of Life")
    assert proven(RFC_7616.format(algorithm="SHA-256", response=SHA_256), "Circle of Life")
    assert proven(RFC_2617, "Circle Of Life")
    assert not proven(RFC_2617, "Circle Of Lies")


def test_a_proof_without_a_count_is_none():
    """No qop, no nc, another scheme, another algorithm, a hashed name: not taken."""
    assert digest.proof_of("") is None
    assert digest.proof_of("Basic dXNlcjpwYXNz") is None
    assert digest.proof_of(RFC_2617.replace("qop=auth, ", "")) is None
    assert digest.proof_of(RFC_2617.replace("nc=00000001", "nc=1")) is None
    assert digest.proof_of(RFC_2617 + ", algorithm=MD5-sess") is None
    assert digest.proof_of(RFC_2617 + ", userhash=true") is None


def test_an_answer_of_ours_is_proven_by_ours():
    """Whatever name and password, odd letters too, both ends agree."""
    asked = digest.challenge(realm="box", nonce="n0", opaque="o", algorithm="SHA-256")
    for name, password in (("plain", "secret"), ('with "quotes" \\', "pä$$wörd\u20ac")):
        header = digest.answer_to(
            ["Basic x", asked], username=name, password=password, method="GET", uri="/a", cnonce="c"
        )
        assert proven(header, password)
        assert not proven(header, password + "x")
    assert not digest.answer_to(
        ["Basic x"], username="a", password="b", method="GET", uri="/", cnonce="c"
    )


def test_a_nonce_is_ours_and_lasts_five_minutes():
    """A stranger's, a changed one, another address's and nonsense are foreign; late is stale."""
    nonces = Nonces(KEY, SeededChance(1))
    one = nonces.make(100.0, PEER)
    assert nonces.look(one, PEER, 100.0) is Use.FRESH
    assert nonces.look(one, PEER, 100.0 + LASTS_S + 1) is Use.STALE
    assert nonces.look(one, "192.0.2.2", 100.0) is Use.FOREIGN
    assert Nonces(bytes(32), SeededChance(1)).look(one, PEER, 100.0) is Use.FOREIGN
    for wrong in ("", "x", one[:-1] + "A", "é", one + one):
        assert nonces.look(wrong, PEER, 100.0) is Use.FOREIGN


def test_another_process_takes_a_nonce_and_makes_no_equal_one():
    """Clocks that are a little apart are no hindrance; at the same moment both make their own."""
    mine, other = Nonces(KEY, SeededChance(1)), Nonces(KEY, SeededChance(2))
    one = mine.make(100.0, PEER)
    assert other.look(one, PEER, 100.0 - SKEW_S / 2) is Use.FRESH
    assert other.look(one, PEER, 100.0 - 2 * SKEW_S) is Use.STALE
    made = [nonces.make(100.0, PEER) for nonces in (mine, other) for _ in range(100)]
    assert len({one, *made}) == len(made) + 1


def test_a_count_only_rises_also_where_memory_is_short():
    """A count is spent once; a nonce that was forgotten for lack of room is not taken again."""
    nonces = Nonces(KEY, SeededChance(1), kept_max=2)
    first, second, third = (nonces.make(at, PEER) for at in (1.0, 2.0, 3.0))
    assert nonces.spend(first, 1)
    assert not nonces.spend(first, 1)
    assert nonces.spend(first, 3)
    assert not nonces.spend(first, 2)
    assert nonces.spend(second, 1)
    assert nonces.spend(third, 1)
    assert nonces.look(first, PEER, 4.0) is Use.STALE
    assert nonces.look(third, PEER, 4.0) is Use.FRESH


def test_guesses_wait_longer_and_longer_and_memory_is_bounded():
    """The free ones, then two, four, eight seconds; another address is not touched."""
    strikes = Strikes(kept_max=10)
    for _ in range(FREE_MAX):
        strikes.count("a", "box", 0.0)
    assert strikes.wait_s("a", "box", 0.0) == 0
    strikes.count("a", "box", 0.0)
    assert strikes.wait_s("a", "box", 0.0) == 2
    strikes.count("a", "box", 0.0)
    assert strikes.wait_s("a", "box", 0.0) == 4
    assert strikes.wait_s("b", "box", 0.0) == 0
    strikes.forgive("a", "box")
    assert strikes.wait_s("a", "box", 0.0) == 0
    for number in range(100):
        strikes.count("c", str(number), 0.0)
    assert len(strikes._kept) <= 10
