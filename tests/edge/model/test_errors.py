import pytest

from edge.model import errors


@pytest.mark.parametrize("error", [errors.PeerGone("x"), errors.NotFound("x", code="unknown_sink"), errors.Fault("x")])
def test_error_that_crossed_a_process_is_of_the_same_family_and_code(error: errors.EdgeError) -> None:
    revived = errors.revive(errors.family(error), error.code, str(error))
    assert revived.code == error.code
    assert str(revived) == "x"
    assert errors.family(revived) == errors.family(error)


def _below(kind: type[errors.EdgeError]) -> list[type[errors.EdgeError]]:
    ours = [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    return [*ours, *(leaf for sub in ours for leaf in _below(sub))]


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in _below(errors.EdgeError)]
    assert len(codes) >= 14
    assert len(codes) == len(set(codes))
