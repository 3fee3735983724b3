"""Data sets that can be chosen: read when they are, and under the name that they were offered by."""

from __future__ import annotations

from dataclasses import replace

import dataset_files
import numpy as np
import pytest

from explorer.datasets import DatasetError, load_mnist, loading
from explorer.datasets.loading import DatasetOffer, offer_file, usual_offers


def test_what_is_there_already_is_offered_by_its_name(small_dataset):
    offer = DatasetOffer.of(small_dataset)
    assert (offer.name, offer.load()) == ("patterns", small_dataset)


def test_a_file_is_read_when_it_is_chosen_and_put_where_all_map_it(folder, tmp_path, monkeypatch):
    offer = offer_file("Mine", folder, tmp_path / "mine")
    assert not [*tmp_path.iterdir()]
    first = offer.load()
    assert (first.name, first.source) == ("Mine", str(folder))
    monkeypatch.setattr(loading, "load_dataset", None)  # the second has no need of it
    second = offer.load()
    np.testing.assert_array_equal(second.train_images, first.train_images)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_without_room_to_share_it_is_read_all_the_same(folder, tmp_path):
    assert len(offer_file("Mine", folder, tmp_path / "no" / "such").load().train_labels) == 600
    assert len(offer_file("Mine", folder).load().train_labels) == 600


def test_what_can_t_be_read_is_told_when_it_is_chosen(tmp_path):
    with pytest.raises(DatasetError, match="found none of the four files"):
        offer_file("Mine", tmp_path, tmp_path / "shared").load()
    assert not [*tmp_path.iterdir()]


def test_fashion_mnist_is_offered_where_it_is_installed(small_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_FASHION_MNIST", ("Fashion-MNIST", tmp_path / "fashion"))
    (mnist,) = usual_offers()
    assert (mnist.name, mnist.load()) == ("MNIST", load_mnist())
    (tmp_path / "fashion").mkdir()
    dataset_files.write(replace(small_dataset, name="any"), tmp_path / "fashion")
    _, fashion = usual_offers(tmp_path)
    assert (fashion.name, fashion.load().name) == ("Fashion-MNIST", "Fashion-MNIST")
    assert [offer.name for offer in usual_offers(but=["MNIST"])] == ["Fashion-MNIST"]
