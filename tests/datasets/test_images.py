"""Images of any origin become a data set, and what can't is refused in one sentence."""

import io
import re
import struct
import sys
import zipfile
import zlib
from contextlib import suppress

import numpy as np
import pytest
from dataset_files import idx, npy
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer import datasets
from explorer.datasets import DatasetError
from explorer.datasets.images import _drawn
from explorer.datasets.preprocessing import fitted

RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (40, 8, 8)).astype(np.uint8)
LABELS = np.arange(40) % 4
FOUR = ("train_images", "train_labels", "test_images", "test_labels")


def npz(**arrays):
    np.savez(stream := io.BytesIO(), **arrays)
    return stream.getvalue()


def image_file(array, kind="PNG", **options):
    Image.fromarray(array).save(stream := io.BytesIO(), kind, **options)
    return stream.getvalue()


def zipped(entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(stream := io.BytesIO(), "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def load_dataset(path, content=None, **options):
    """Read a data set; a folder's files are zipped."""
    return datasets.load_dataset(path, zipped(content) if isinstance(content, dict) else content, **options)


def table(images, labels, head="", mark=",", at=0):
    rows = [[*map(str, image.ravel())] for image in images]
    for row, label in zip(rows, labels, strict=True):
        row.insert(at, str(label))
    return (head + "".join(f"{mark.join(row)}\n" for row in rows)).encode()


def every(dataset):
    """All images, each with the name of its class, in an order of their own."""
    splits = [(dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)]
    return sorted(
        (dataset.class_names[k], i.tobytes()) for split in splits for i, k in zip(*split, strict=True)
    )


ALL = sorted((str(k), image.tobytes()) for image, k in zip(IMAGES, LABELS, strict=True))
FILES = {f"mine/{k}/{n}.png": image_file(i) for n, (i, k) in enumerate(zip(IMAGES, LABELS, strict=True))}
PIXELS = ",".join(f"p{k}" for k in range(64))
FORMS = {
    "images and labels": ("a.npz", npz(images=IMAGES, labels=LABELS)),
    "X and y": ("a.npz", npz(X=IMAGES.reshape(40, 64), y=LABELS[:, None])),
    "data and target": ("a.npz", npz(data=IMAGES.astype(float), target=LABELS.astype(float))),
    "fractions": ("a.npz", npz(x=np.float32(IMAGES / 255), y=LABELS)),
    "with a channel": ("a.npz", npz(x=IMAGES[..., None], y=LABELS.astype("i1"))),
    "labels as texts": ("a.npz", npz(x=IMAGES, y=LABELS.astype("U1"))),
    "big-endian": ("a.npz", npz(x=IMAGES.astype(">i4"), y=LABELS.astype(">i8"))),
    "columns first": ("a.npz", npz(x=np.asfortranarray(IMAGES), y=LABELS)),
    "a table": ("a.csv", table(IMAGES, LABELS)),
    "with a head": ("a.csv", table(IMAGES, LABELS, f'"label",{PIXELS}\n')),
    "labels last": ("a.csv", table(IMAGES, LABELS, f"{PIXELS};Class\n".replace(",", ";"), ";", 64)),
    "as NumPy writes it": ("a.csv", table(IMAGES.astype("f4"), [f"{k:.18e}" for k in LABELS])),
    "a folder": ("mine", FILES),
    "a zip file": ("mine.zip", zipped(FILES)),
    "deflated": ("mine.zip", zipped(FILES, zipfile.ZIP_DEFLATED)),
    "next to others": (
        "mine",
        FILES | {"mine/.DS_Store": b"x", "__MACOSX/mine/0/._0.png": b"x", "README": b"x"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_images_split_by_class(form, tmp_path):
    dataset = load_dataset(*FORMS[form])
    assert every(dataset) == ALL
    assert (dataset.class_names, dataset.image_shape, dataset.source) == (("0", "1", "2", "3"), (8, 8), "")
    assert np.bincount(dataset.test_labels).tolist() == [2] * 4  # 15 % of ten, rounded
    assert set(dataset.train_labels[:12]) == {0, 1, 2, 3}
    name, content = FORMS[form]
    for path, one in content.items() if isinstance(content, dict) else [(name, content)]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(one)
    from_disk = load_dataset(tmp_path / name)
    assert from_disk.content_hash == dataset.content_hash
    assert from_disk.source == str(tmp_path / name)
    other = load_dataset(tmp_path / name, seed=1)
    assert every(other) == ALL
    assert (other.content_hash != dataset.content_hash, other.source) == (True, "")


SPLIT = {
    "train/test": {f"{s}/{k}/{n}.png": image_file(IMAGES[n]) for n, (s, k) in enumerate(
        [("train", "cat"), ("train", "dog"), ("test", "cat"), ("test", "dog"), ("val", "cat")])},
    **{key: npz(**dict(zip(names, (IMAGES[:2], ["cat", "dog"], IMAGES[2:4], ["cat", "dog"]), strict=True)))
       for key, names in {"Keras": ("x_train", "y_train", "x_test", "y_test"), "ours": FOUR}.items()},
    "idx": {"train-images-idx3-ubyte": idx(IMAGES[:2]), "train-labels-idx1-ubyte": idx(np.array([11, 12])),
            "t10k-images-idx3-ubyte": idx(IMAGES[2:4]), "t10k-labels-idx1-ubyte": idx(np.array([11, 12])),
            "classes.txt": "\ufeff".encode() + "\r\n".join(["no"] * 11 + ["cat", "dog", ""]).encode()},
}  # fmt: skip
SPLIT["training/val"] = {path.replace("train", "Training").replace("test", "Val"): one
                         for path, one in SPLIT["train/test"].items() if "val" not in path}  # fmt: skip


@pytest.mark.parametrize("step", [1, -1])
def test_images_that_come_class_by_class_are_shuffled(step):
    labels = np.repeat([0, 1, 2], 30)[::step]
    dataset = load_dataset("a", npz(x=np.zeros((90, 4, 4)), y=labels))
    assert {*dataset.train_labels[:20].tolist()} == {0, 1, 2}


@pytest.mark.parametrize("form", SPLIT)
def test_a_split_is_kept(form):
    dataset = load_dataset("a", SPLIT[form])
    assert sorted(i.tobytes() for i in dataset.test_images) == sorted(i.tobytes() for i in IMAGES[2:4])
    assert every(dataset) == sorted((("cat", "dog")[n % 2], IMAGES[n].tobytes()) for n in range(4))


def notes(*content, **options):
    return " ".join(load_dataset("a", *content, **options).notes)


def test_each_change_is_said():
    color = RNG.integers(0, 256, (40, 10, 12, 3)).astype(np.uint8)
    said = notes(npz(x=color, y=LABELS, z=LABELS))
    for words in (
        "Images and labels were read from x and y.",
        "Color was",
        "Images of 10 × 12 pixels were made 12 × 12",
        "8 images",
    ):
        assert words in said
    smaller = npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:, :4, :5], y_test=LABELS)
    assert "Images of 4 × 5 pixels were made 8 × 8." in notes(smaller)
    assert "Brightness from 0 to 16 was scaled to 255." in notes(npz(x=IMAGES // 16 + 1, y=LABELS))
    assert "No test image is of class 7." in notes(npz(x=IMAGES, y=np.r_[7, LABELS[1:]]))
    assert "Left out, next to train and test: val." in notes(SPLIT["train/test"])
    mixed = {"a/1.png": image_file(IMAGES[0]), "a/2.jpg": image_file(color[0], "JPEG"),
             "b/1.png": FILES["mine/0/0.png"], "b/2.png": FILES["mine/1/1.png"], "b/3.txt": b""}  # fmt: skip
    said = notes(mixed)
    for words in (
        "Color was",
        "Images of several sizes were made 12 × 12",
        "1 file of other kinds: left out.",
    ):
        assert words in said


def test_color_is_gray_as_the_eye_sees_it_and_transparency_is_white():
    pure = 255 * np.eye(3, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    dataset = load_dataset("a", npz(x=pure[[0, 1, 2, 2]], y=[0, 1, 2, 2]))
    assert {(k, int(i.max())) for k, i in zip(dataset.train_labels, dataset.train_images, strict=True)} == {
        (0, 76), (1, 150), (2, 29)
    }  # fmt: skip
    clear = image_file(np.zeros((4, 4, 4), np.uint8))
    dataset = load_dataset("a", {f"{k}/{n}.png": clear for k in "ab" for n in range(3)})
    assert dataset.train_images.min() == 255


def test_a_photograph_is_upright_as_it_was_taken():
    (exif := Image.Exif())[0x0112] = 6  # on its side: its top is to the right
    photo = image_file(np.repeat(np.uint8([[9], [250]]), 4, axis=0).repeat(8, axis=1), "JPEG", exif=exif)
    dataset = load_dataset("a", {f"{k}/{n}.jpg": photo for k in "ab" for n in range(3)})
    assert dataset.train_images[:, :, 4:].max() < 99 < dataset.train_images[:, :, :4].min()


def test_names_of_classes():
    skipping = npz(x=IMAGES, y=3 * LABELS + 2)
    assert load_dataset("a", skipping).class_names == ("2", "5", "8", "11")  # in the order of numbers
    named = load_dataset("a", npz(x=IMAGES, y=LABELS), class_names=["a", "b", "c", "d", "e"])
    assert (named.class_names, named.n_classes) == (("a", "b", "c", "d", "e"), 5)
    names = ("zero", "one", "two", "three")
    assert load_dataset("a", FILES | {"mine/classes.txt": "\n".join(names).encode()}).class_names == names
    assert load_dataset("a", npz(x=IMAGES, y=LABELS, class_names=names)).class_names == names
    texts = npz(x=IMAGES, y=LABELS.astype(str))
    assert load_dataset("a", texts, class_names="3210").class_names == tuple("3210")


@given(
    n_each=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_of_each_class_with_two_images_both_splits_have_one(n_each, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(n_each)), n_each))
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    mixed, of_mixed = images.copy(), labels.copy()
    n_train = _drawn(mixed, of_mixed, share, seed)
    (train, test), (of_train, of_test) = np.split(mixed, [n_train]), np.split(of_mixed, [n_train])
    assert sorted([*train[:, 0, 0], *test[:, 0, 0]]) == [*range(len(labels))]
    assert (labels[train[:, 0, 0]] == of_train).all()
    assert (labels[test[:, 0, 0]] == of_test).all()
    for k, n in enumerate(n_each):
        n_test = (of_test == k).sum()
        assert n_test == 0 if n == 1 else 1 <= n_test < n
        assert n == 1 or abs(n_test - share * n) <= 1


@given(
    height=st.integers(1, 12), width=st.integers(1, 12), side=st.integers(2, 20), level=st.integers(0, 255)
)
@settings(max_examples=60, deadline=None)
def test_an_even_image_stays_even_and_a_square_of_the_size_is_the_same(height, width, side, level):
    even = np.full((2, height, width), level, np.uint8)
    made = fitted(even, side)
    assert made.shape == (2, side, side)
    assert (made == level).all()
    if height == width:
        assert fitted(even, height) is even


# ---------------------------------------------------------------- what is refused


def damaged(content):
    return content.replace(IMAGES[3].tobytes(), IMAGES[4].tobytes())


def link():
    (entry := zipfile.ZipInfo("a/1.png")).external_attr = 0o120777 << 16
    return zipped({entry: b"/etc/passwd"})


NOT_A_NUMBER = np.where(np.arange(64).reshape(8, 8) == 11, np.nan, IMAGES / 255.0)
PNG = FILES["mine/0/0.png"]
WIDE = np.zeros((40, 65, 65), np.uint8)
REFUSED = [
    (npz(x=IMAGES, y=LABELS[:30]), r"a/y.npy: found labels of shape \(30,\), expected 40, one for each"),
    (npz(x=IMAGES, y=LABELS / 2), "a/y.npy: found label 0.5, expected a whole number or a text"),
    (npz(x=IMAGES, y=np.where(LABELS, LABELS, np.nan)), "a/y.npy: found label nan, expected a whole"),
    (npz(x=IMAGES, y=LABELS.astype(object)), r"a/y.npy: found Python objects of shape \(40,\)"),
    (npz(x=IMAGES, y=0 * LABELS), "a/y.npy: found 1 kind of labels, expected 2 to 200"),
    (npz(x=IMAGES, y=np.arange(40)), "a/y.npy: found a single image of each class, expected more of them"),
    (npz(x=np.zeros((201, 4, 4), "u1"), y=np.arange(201)), "found 201 kinds of labels, expected 2 to 200"),
    (npz(x=IMAGES.astype(int) - 300, y=LABELS), "a/x.npy, image 1, row 1, column 1: found -.*, expected bright"),
    (npz(x=NOT_A_NUMBER, y=LABELS), "a/x.npy, image 1, row 2, column 4: found nan, expected brightness from 0"),
    (npz(x=np.where(IMAGES == 7, np.inf, IMAGES), y=LABELS), "found inf, expected brightness"),
    (npz(x=WIDE, y=LABELS), r"shape .40, 65, 65., expected images of .* at most 64 × 64 pixels"),
    (npz(x=IMAGES.reshape(40, 2, 4, 8), y=LABELS), r"uint8 of shape \(40, 2, 4, 8\), expected images of shape"),
    (npz(x=IMAGES[:, :7, 0], y=LABELS), r"uint8 of shape \(40, 7\), expected images of shape .* or \(n, pixels\)"),
    (npz(x=IMAGES[:0], y=LABELS[:0]), r"a/x.npy: found uint8 of shape \(0, 8, 8\), expected an array"),
    (npz(x=IMAGES.astype(complex), y=LABELS), "a/x.npy: found complex128"),
    (npz(foo=IMAGES, bar=LABELS), "a: found only bar.npy, foo.npy, expected a folder of images for each class"),
    (npz(x=IMAGES, y=LABELS)[:-300], "a: found damaged data, “file is not a zip file”"),
    (damaged(npz(x=IMAGES, y=LABELS)), "a/x.npy: found damaged data, “bad CRC-32"),
    (zipped({"x.npy": npy(IMAGES), "y.npy": b"no array"}), "a/y.npy: found something else than a plain array"),
    (b"1,0,9,8,255\n2,1,x,3,4\n", "a, line 2: found .*'x'”, expected a label and 4 numbers"),
    (b"1,0,9,8,255\n2,1,,3,4\n", "a, line 2: found .*''”, expected a label and 4 numbers"),
    (b"1,0,9,8,255\n2,1,3,4\n", "a, line 2: found “4 values”, expected a label and 4 numbers, as in the first"),
    (b"1,0,9,8,300\n2,1,2,3,4\n1,1,1,1,1\n", "a, image 1, row 2, column 2: found 300.0, expected brightness"),
    (b"1,0,9,8,nan\n2,1,2,3,4\n1,1,1,1,1\n", "found nan, expected brightness"),
    (b"1,0,9,8,5,7\n2,1,2,3,4,4\n", r"a: found float32 of shape \(2, 5\), expected images"),
    (b"label,pixel\n", r"a: found float32 of shape \(0, 1, 1\), expected images"),
    ({}, "a: found no images, expected a folder of images for each class"),
    ({"0/x.txt": b""}, "a: found only 0/x.txt, expected a folder of images"),
    ({"1.png": PNG, "2.png": PNG}, "a/1.png: found an image that is in no class's folder"),
    ({"a/1.png": PNG, "2.png": PNG}, "a/2.png: found an image that is in no"),
    ({"a/1.png": PNG, "b/1.png": b"<svg>"}, "a/b/1.png: found something else than an image"),
    ({"a/1.png": PNG, "b/1.png": PNG[:60]}, "a/b/1.png: found damaged data, “.*”, expected an image"),
    ({"a/1.png": PNG, "b/1.png": image_file(np.zeros((8, 8), "u2"))},
     "8 × 8 pixels of mode I;16, expected at most 33554432 pixels of 8 bits"),
    ({"../a/1.png": PNG}, r"a: found \.\./a/1.png, a path that leaves"),
    ({"/a/1.png": PNG}, "a: found /a/1.png, a path that leaves"),
    (zipped({"a/../../1.png": PNG}), "a path that leaves the archive"),
    (zipped({"C:/1.png": PNG}), "a path that leaves the archive"),
    (zipped({"a/1.bmp": bytes(60_000_000)}, zipfile.ZIP_DEFLATED), "60000000 bytes when unpacked, expected"),
    (zipped({"a/1.png": PNG}, zipfile.ZIP_LZMA), "compression method 14, expected stored or deflated"),
    (zipped({f"a/{n:0>120}.png": b"" for n in range(50_001)}), "of names of entries, expected at most 8388608"),
    (link(), "a: found a/1.png, a link or special file"),
    (b"", "a: found an empty file, expected a folder of images for each class, or a .npz, .csv"),
    ({"train-images-idx3-ubyte": idx(IMAGES)}, "a: found only train-images-idx3-ubyte, expected"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REFUSED)
def test_what_can_not_be_used_is_one_sentence(content, words):
    with pytest.raises(DatasetError, match=words) as caught:
        load_dataset("a", content)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


SOUND = [content for _, content in FORMS.values() if isinstance(content, bytes)] + [zipped(SPLIT["idx"])]


@given(data=st.data(), content=st.sampled_from(SOUND))
@settings(max_examples=300, deadline=None)
def test_a_changed_file_is_a_data_set_or_refused(data, content):
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with suppress(DatasetError):
        dataset = load_dataset("a", bytes(changed))
        assert dataset.n_train > 0 < dataset.n_test


def test_large_image_files_are_scaled_and_huge_ones_refused():
    large = {f"{k}/{n}.png": image_file(np.full((300, 200), 250, "u1")) for k in "ab" for n in range(2)}
    dataset = load_dataset("a", large)
    assert (dataset.image_shape, dataset.train_images.min() > 240) == ((28, 28), True)
    assert "Images of more than 64 × 64 pixels were scaled down to fit 28 × 28." in dataset.notes
    bomb = {"a/1.png": image_file(np.zeros((6000, 6000), "u1")), "b/1.png": PNG}
    with pytest.raises(
        DatasetError, match=r"a/a/1.png: found 6000 × 6000 pixels of mode L, expected at most"
    ):
        load_dataset("a", bomb)
    monstrous = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    header = b"IHDR" + monstrous
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(DatasetError, match="something else than an image, or a huge one"):
        load_dataset("a", {"a/1.png": png, "b/1.png": PNG})


@pytest.mark.parametrize("names", [["a", "b", "c"], "abc", ["0", "1", "3"]])
def test_a_label_without_a_name(names):
    with pytest.raises(DatasetError, match=r"a/y.npy: found label \d, expected one of"):
        load_dataset("a", npz(x=IMAGES, y=LABELS), class_names=names)


def test_without_pillow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DatasetError, match=re.escape('pip install "nn-explorer[images]"')):
        load_dataset("a", FILES)
    assert load_dataset("a", npz(x=IMAGES, y=LABELS)).n_classes == 4


def test_images_are_in_memory_once(tmp_path):
    import tracemalloc

    np.savez(
        tmp_path / "a.npz", images=np.full((60_000, 28, 28), 200, np.uint8), labels=np.arange(60_000) % 10
    )
    tracemalloc.start()
    load_dataset(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.15 * 60_000 * 784
