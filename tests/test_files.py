"""Opening files: what is no regular file, unpacks to too much, is no text or lies about its size is refused by name."""

import bz2
import gzip
import os
import socket
import zlib

import h5py
import numpy as np
import pytest

from sidejump import InputError, files
from sidejump.formats.hdf5 import opened, require_contained
from sidejump.text_numbers import counts, floats, floats_of, integers


def refused(read, path, words):
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_regular_files_are_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    os.mkfifo("pipe")
    os.symlink("gone", "link")
    os.symlink("circle", "circle")
    socket.socket(socket.AF_UNIX).bind("socket")
    for name, words in (
        ("pipe", r"is a pipe \(FIFO\)"),
        ("link", r"is a broken link \(to gone\)"),
        ("circle", "cannot be read"),
        ("socket", "is a socket"),
        ("/dev/zero", "is a device"),
        (".", "is a directory"),
        ("nothing", "no such file"),
        ("a\0b", "cannot be read"),
        ("n" * 300, "cannot be read"),
    ):
        for read in (files.read_bytes, files.read_text, lambda path: files.read_into(path, bytearray(8))):
            refused(read, name, words)
    assert files.present("link") and files.find_packed(tmp_path, "link") == tmp_path / "link"
    assert not files.present("nothing") and files.find_packed(tmp_path, "nothing") is None


def bomb(path, letter, size, start=b""):
    """A gzip file of a few kB that unpacks to `start` and `size` times one letter."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(pack.compress(start + letter * size) + pack.flush())
    return path


def test_what_unpacks_to_more_than_is_announced_is_refused(tmp_path, monkeypatch):
    path = bomb(tmp_path / "b.gz", b" ", 10**7, b"5\n")
    assert len(files.read_bytes(path)) == 10**7 + 2
    refused(lambda p: files.read_bytes(p, 1e6), path, "holds more than 1e.06 bytes")
    refused(
        lambda p: files.read_bytes(p, lambda head: 1000 * int(head.split()[0])), path, "holds more than 5e.03 bytes"
    )
    refused(lambda p: files.read_into(p, bytearray(100)), path, "has more bytes instead of 100")
    monkeypatch.setenv(files.LARGEST_VARIABLE, "1e6")
    refused(files.read_bytes, path, f"holds more than 1e.06 bytes.*{files.LARGEST_VARIABLE}")
    refused(lambda p: files.read_bytes(p, 1e12), path, "holds more than 1e.06 bytes")  # a header may lie
    monkeypatch.setenv(files.LARGEST_VARIABLE, "2e7")
    assert len(files.read_bytes(path)) == 10**7 + 2
    monkeypatch.setenv(files.LARGEST_VARIABLE, "a lot")
    with pytest.raises(InputError, match="a lot: give a number of bytes"):
        files.read_bytes(path)


def test_a_sparse_file_is_one_that_unpacks(tmp_path, monkeypatch):
    monkeypatch.setenv(files.LARGEST_VARIABLE, "1e6")
    path = tmp_path / "sparse"
    with path.open("wb") as stream:
        stream.truncate(10**11)
    refused(files.read_text, path, "holds more than 1e.06 bytes")
    refused(lambda p: files.read_text(p, 1e12), path, "holds more than 1e.06 bytes")


def test_values_announced_are_compared_with_the_size_of_the_file(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"1 2 3\n"))
    files.require_room(path, 1000)
    refused(lambda p: files.require_room(p, 10**9), path, "announces 1000000000 values")
    refused(lambda p: files.require_room(p, -1), path, "announces -1 values")
    refused(lambda p: files.require_room(p, 5, size=6), path, "which its 6 bytes cannot hold")


def test_packed_and_damaged(tmp_path):
    for name, pack in (("x.gz", gzip.compress), ("x.bz2", bz2.compress)):
        path = tmp_path / name
        path.write_bytes(pack(b"1 2 3\n" * 1000))
        assert files.read_text(path) == "1 2 3\n" * 1000
        assert files.plain_name(path) == "x"
        path.write_bytes(pack(b"1 2 3\n" * 1000)[:-12])
        refused(files.read_text, path, "cannot be read .*truncated or not what its name says")
        path.write_bytes(b"1 2 3\n")
        refused(files.read_text, path, "truncated or not what its name says")


@pytest.mark.parametrize("sparse", [True, False])
def test_a_packed_file_is_not_padded(tmp_path, sparse):
    """Python's gzip skips zeros at its end one by one, for an hour where they are 10 GB."""
    path = tmp_path / "x.gz"
    content = gzip.compress(b"1 2 3\n")
    path.write_bytes(content + bytes(4096))
    assert files.read_text(path) == "1 2 3\n"  # to a whole number of blocks, as on tapes
    path.write_bytes(content if sparse else content + bytes(10**6))
    if sparse:
        with path.open("r+b") as stream:
            stream.truncate(10**10)
    refused(files.read_text, path, "is padded with zeros")


def test_texts_of_usual_encodings(tmp_path):
    path = tmp_path / "x"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        path.write_bytes("né = 1\r\n".encode(encoding))
        assert files.read_text(path) == "né = 1\n"
    for content in ("a".encode("utf-32"), b"\0\1\2", b"\xff\xfea"):
        path.write_bytes(content)
        refused(files.read_text, path, "is not a text file")


@pytest.mark.parametrize(
    "error",
    [IndexError("x"), OverflowError("x"), ValueError("x"), TypeError("x"), KeyError("x"), OSError("x"), MemoryError()]
    + [RuntimeError("x"), RecursionError("x"), AttributeError("x"), ZeroDivisionError("x"), EOFError(), zlib.error("x")]
    + [np.linalg.LinAlgError("x"), UnicodeDecodeError("utf-8", b"", 0, 1, "x"), InputError("x"), ValueError("x\ny")],
)
def test_errors_of_a_reader_become_one_sentence(error):
    with pytest.raises(InputError, match=r"^some/file: ") as caught, files.reading("some/file", "a file"):
        raise error
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_numbers_as_fortran_writes_them():
    words = ["1.5", "-2", "1.0D+00", "0.12345678-103", ".5", "3.d0", "+1.e-3"]
    np.testing.assert_array_equal(floats(words), [1.5, -2, 1, 0.12345678e-103, 0.5, 3, 1e-3])
    np.testing.assert_array_equal(floats_of(" (1.0,-2.0)\n(3.0, 4.0)  5"), [1, -2, 3, 4, 5])
    long = " ".join(str(i) for i in range(10**6))
    np.testing.assert_array_equal(floats_of(long), np.arange(10**6))
    for word in ("1_0", "١", "nan", "inf", "1e400", "x", "1.5-", "--1", "0x10", ""):
        with pytest.raises(ValueError, match=r"is no number|is not finite|could not convert"):
            floats(["1.0", word])
    with pytest.raises(ValueError, match="did not fit into its field"):
        floats(["1.0", "*****"])
    assert counts(["3", "4"], ["a", "b"]) == [3, 4]
    for words, message in ((["3"], "b is missing"), (["3", "-3"], "b = -3"), (["3.5", "1"], "no whole number")):
        with pytest.raises(ValueError, match=message):
            counts(words, ["a", "b"])
    with pytest.raises(ValueError, match=r"no whole number|more than 18 digits"):
        integers(["9" * 30])


def write(path, change):
    with h5py.File(path, "w") as stream:
        stream["group/x"] = np.arange(6.0).reshape(2, 3)
        stream["y"] = 1.0
        change(stream)
    return path


def external_link(stream):
    stream["group/bad"] = h5py.ExternalLink("other.h5", "/x")


def external_storage(stream):
    stream.create_dataset("group/bad", (4,), dtype="f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def virtual(stream):
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="f8")
    layout[...] = h5py.VirtualSource("other.h5", "x", shape=(2, 3))
    stream.create_virtual_dataset("group/bad", layout)


def linked_group(stream):
    stream["linked"] = h5py.ExternalLink("other.h5", "/group")


def declared(stream):
    stream.create_dataset("group/bad", (10**6, 10**6), chunks=(10, 10), dtype="f8")


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (external_link, "group/bad", "link to another file"),
        (external_storage, "group/bad", "is stored in another file"),
        (virtual, "group/bad", "is a virtual data set"),
        (linked_group, "linked/x", "link to another file"),
        (declared, "group/bad", "declares 8000000000000 bytes, of which the file stores 0"),
    ],
)
def test_hdf5_files_hold_what_they_say(tmp_path, change, name, words):
    with h5py.File(tmp_path / "other.h5", "w") as stream:
        stream["x"] = stream["group/x"] = np.ones((2, 3))
    path = write(tmp_path / "x.h5", change)

    def read(path):
        with opened(path, "a test") as stream:
            stream.array(name)

    refused(read, path, words)
    refused(lambda p: require_contained(p, "a test"), path, words)
    with opened(path, "a test") as stream:  # the others are read
        np.testing.assert_array_equal(stream.array("group/x", (2, None)), np.arange(6.0).reshape(2, 3))


def test_hdf5_types_and_shapes(tmp_path):
    def change(stream):
        stream["text"], stream["complex"], stream["empty"] = "words", np.array(1j), h5py.Empty("f8")
        stream["soft"], stream["round"] = h5py.SoftLink("/group/x"), h5py.SoftLink("/round")
        stream.attrs["note"], stream.attrs["list"], stream.attrs["nan"] = "a", "[1]", np.nan

    path = write(tmp_path / "x.h5", change)
    with opened(path, "a test") as stream:
        assert stream.number("y") == 1.0 and stream.number("z", 2.0) == 2.0
        assert "group/x" in stream and "group/z" not in stream and "y/z" not in stream
        assert stream.array("soft", (2, 3)).shape == (2, 3)
        assert stream.json("list", list) == [1] and stream.text("note") == "a"
    for read, words in (
        (lambda s: s.array("group/x", (3, 2)), r"group/x has shape \(2, 3\), expected \(3, 2\)"),
        (lambda s: s.array("group/x", (2,)), "group/x has shape"),
        (lambda s: s.array("group/x", kind="i"), "group/x holds float64, expected whole numbers"),
        (lambda s: s.array("text"), "text holds object, expected real numbers"),
        (lambda s: s.array("complex"), "complex holds complex128, expected real numbers"),
        (lambda s: s.array("empty"), "empty is empty"),
        (lambda s: s.array("group"), "no data set group"),
        (lambda s: s.array("nothing"), "no data set nothing"),
        (lambda s: s.array("round"), "goes round in circles"),
        (lambda s: s.number("group/x"), "expected one number"),
        (lambda s: s.group("y"), "no group y"),
        (lambda s: s.value("nan"), "attribute nan is no finite number"),
        (lambda s: s.value("note"), "attribute note is no finite number"),
        (lambda s: s.text("nan"), "attribute nan is no text"),
        (lambda s: s.json("list", dict), "attribute list is no dict"),
        (lambda s: s.json("note", dict), "truncated or not a test"),
        (lambda s: s.text("gone"), "no attribute gone"),
    ):

        def attempt(path, read=read):
            with opened(path, "a test") as stream:
                read(stream)

        refused(attempt, path, words)


def test_heaps_of_texts_that_have_no_end(tmp_path):
    """Free space of no size at the end of a heap: the HDF5 library would look for the next object for ever."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as stream:
        stream.attrs["words"] = "side jump"
    with opened(path, "the file") as stream:
        assert stream.text("words") == "side jump"
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    free = heap + 16 + 16 + 16  # header, object, its text in units of 8 bytes
    assert data[free : free + 2] == b"\0\0" and data[free + 8 : free + 16] != bytes(8)
    data[free + 8 : free + 16] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x.h5.*heap of texts at byte .* has no end"):
        with opened(path, "the file") as stream:
            stream.text("words")
    with pytest.raises(InputError, match=r"x.h5.*has no end"):
        require_contained(path, "the file")
