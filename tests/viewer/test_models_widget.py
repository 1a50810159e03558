"""The Models widget: its table, its buttons, and what it shows of a model."""

from __future__ import annotations

import io
from threading import Event

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_srgan.models import Quality, TrainedInput, add_model, list_models, save_model
from napari_srgan.models.card import Baseline
from napari_srgan.viewer.models import tasks as library_tasks
from napari_srgan.viewer.models.rows import COLUMNS, PURPOSE
from napari_srgan.viewer.models.signal import LIBRARY
from napari_srgan.viewer.models.widget import ModelsWidget
from napari_srgan.viewer.qt import dialogs

FRAMES, TRAINED_ON = ([column.heading for column in COLUMNS].index(name) for name in ("frames", "trained on"))
"""Numbers of the columns."""
QUALITY = [
    {"images": f"set {n}", "psnr": 30.0 + n, "bicubic_psnr": 28.0 + n / 2, "protocol": "a"} for n in range(3)
]


def cells(widget):
    """What stands in the table, as it is sorted now."""
    model = widget.table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def names(widget):
    return [row[0] for row in cells(widget)]


def click_row(widget, name):
    """A real click on a model's name."""
    table = widget.table
    index = table.model().index(names(widget).index(name), 0)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())
    assert table.chosen_row().name == name


def png(color):
    picture = io.BytesIO()
    Image.new("RGB", (60, 30), color).save(picture, "PNG")
    return picture.getvalue()


@pytest.fixture
def own(library_folder, tiny_model):
    """A model of the user's, measured and citable."""
    model = tiny_model(scale_factor=4, channels=3, name="mine")
    card = model.card.model_validate(
        model.card.model_dump()
        | {"quality": QUALITY, "citation": "Me (2024).", "source": "netG.pth", "trained": "one night"}
    )
    save_model(type(model)(model.network, card), library_folder / "mine.safetensors", picture=png("red"))
    return card


def test_table_shows_every_model(open_models, own):
    _, widget = open_models()
    shown = cells(widget)
    assert names(widget) == ["mine", "microscopy-x2", "photo-x4"]
    assert shown[0][1:6] == ["x4", "+2.50 dB", "3 sets", "untrained, for tests", "RGB"]
    assert shown[0][7] == "unknown"
    assert shown[0][8].endswith("kB")
    assert shown[0][9:] == ["CC0-1.0", "netG.pth"]
    assert (shown[1][1], shown[1][2], shown[1][5]) == ("x2", "", "1")
    assert shown[1][-1] == "bundled"


def test_table_shows_and_sorts_by_the_noise_that_models_were_trained_with(open_models, model_file):
    for name, made_for in (
        ("few-photons", TrainedInput(photons=(3, 300), blur=(0, 0.8))),
        ("many-photons", TrainedInput(photons=(200, 2000), clean=False)),
        ("clean", TrainedInput()),
    ):
        add_model(model_file(name, card={"trained_input": made_for}))
    _, widget = open_models()
    widget.table.sortByColumn(TRAINED_ON, Qt.SortOrder.AscendingOrder)
    assert names(widget)[:3] == ["few-photons", "many-photons", "clean"]
    assert [row[TRAINED_ON] for row in cells(widget)] == [
        "3 to 300 photons", "200 to 2,000 photons", "no noise", "unknown", "unknown",
    ]  # fmt: skip
    tooltip = widget.table.model().index(0, TRAINED_ON).data(Qt.ItemDataRole.ToolTipRole)
    assert "3 to 300 photons in the brightest places, or no noise; blur of up to 0.8 pixels" in tooltip
    click_row(widget, "many-photons")
    assert "200 to 2,000 photons in the brightest places" in widget.details.text.toPlainText()


def test_frames_of_models_for_time_lapses(open_models, make_movie_model):
    make_movie_model("movie-x2")
    _, widget = open_models()
    assert [row[FRAMES] for row in cells(widget)] == ["5", "", ""]
    model = widget.table.model()
    tooltips = [model.index(row, FRAMES).data(Qt.ItemDataRole.ToolTipRole) for row in (1, 0)]
    assert tooltips == ["<p>for single images</p>", "<p>5 frames of a time-lapse help each other</p>"]
    widget.table.choose("movie-x2")
    assert "5 of a time-lapse" in widget.details.text.toPlainText()


def test_a_narrow_dock_shows_factor_and_quality_first(open_models, own):
    _, widget = open_models()
    model = widget.table.model()
    headings = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(4)]
    assert headings == ["name", "factor", "quality", "measured on"]


def test_click_on_a_heading_sorts_by_size_not_by_letters(open_models, library_folder, tiny_model):
    save_model(tiny_model(name="large", width=64), library_folder / "large.safetensors")
    _, widget = open_models()
    header = widget.table.horizontalHeader()
    size = [column.heading for column in COLUMNS].index("size")
    widget.table.horizontalScrollBar().setValue(10_000)
    x = header.sectionViewportPosition(size) + header.sectionSize(size) // 2
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, header.height() // 2))
    assert names(widget)[-1] == "large"
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, header.height() // 2))
    assert names(widget)[0] == "large"
    click_row(widget, "large")


def test_chosen_model_shows_its_picture_and_card(open_models, own):
    _, widget = open_models()
    picture = widget.details.picture
    assert not picture.isVisibleTo(widget)
    click_row(widget, "mine")
    assert picture.isVisibleTo(widget)
    assert picture.pixmap().toImage().pixelColor(2, 2).name() == "#ff0000"
    text = widget.details.text.toPlainText()
    for words in ("untrained, for tests", "one night", "Me (2024).", "set 2", "+3.00", "netG.pth"):
        assert words in text
    click_row(widget, "photo-x4")
    assert not picture.isVisibleTo(widget)
    assert "This model brings no picture." in widget.details.text.toPlainText()


def test_what_stands_in_a_card_is_shown_and_never_obeyed(open_models, model_file, library_folder):
    evil = "<img src='file:///etc/passwd'><b>bold</b> & <script>alert(1)</script>"
    file = model_file(
        "evil", picture=b"\x89PNG\r\n\x1a\n" + b"no png", card={"description": evil, "citation": evil}
    )
    file.rename(library_folder / file.name)
    _, widget = open_models()
    click_row(widget, "evil")
    assert evil in widget.details.text.toPlainText()
    assert not widget.details.picture.isVisibleTo(widget)
    model = widget.table.model()
    assert names(widget)[0] == "evil"
    assert "<img" not in model.index(0, PURPOSE).data(Qt.ItemDataRole.ToolTipRole)


def test_files_are_added_and_one_that_is_none_is_told(
    open_models, finish_library, files_chosen, model_file, tmp_path
):
    viewer, widget = open_models()
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"nothing of the kind")
    files_chosen += [model_file("one"), broken, model_file("two")]
    QTest.mouseClick(widget.buttons.add, Qt.MouseButton.LeftButton)
    assert not widget.buttons.add.isEnabled()
    finish_library(viewer)
    assert names(widget) == ["one", "two", "microscopy-x2", "photo-x4"]
    assert widget.status.text().startswith("Added one, two.\n")
    assert "broken.pth" in widget.status.text()
    assert "color" in widget.status.styleSheet()
    assert widget.buttons.add.isEnabled()
    assert widget.table.chosen_row().name == "two"


def test_nothing_is_added_when_the_dialog_is_cancelled(open_models, files_chosen):
    _, widget = open_models()
    widget.buttons.add.click()
    assert widget.buttons.add.isEnabled()
    assert widget.status.text() == ""


def test_files_are_dropped_on_the_table(open_models, finish_library, model_file):
    viewer, widget = open_models()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(model_file("dropped")))])
    target = widget.table.viewport()
    either = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(QPoint(9, 9), *either)
    QApplication.sendEvent(target, entered)
    assert entered.isAccepted()
    dropped = QDropEvent(QPointF(9, 9), *either)
    QApplication.sendEvent(target, dropped)
    assert dropped.isAccepted()
    finish_library(viewer)
    assert "dropped" in names(widget)
    assert len(viewer.layers) == 0


def test_second_file_waits_its_turn_in_words(open_models, finish_library, files_chosen, model_file):
    viewer, widget = open_models()
    files_chosen.append(model_file("one"))
    widget.buttons.add.click()
    widget.buttons.add.clicked.emit()  # a drop, or a click that came before it was greyed out
    assert "Adding one.safetensors is still running" in widget.status.text()
    finish_library(viewer)
    assert "one" in names(widget)


def test_rename(open_models, own, monkeypatch):
    _, widget = open_models()
    click_row(widget, "mine")
    monkeypatch.setattr(dialogs, "ask_for_name", lambda parent, name: f"{name}-too")
    QTest.mouseClick(widget.buttons.rename, Qt.MouseButton.LeftButton)
    assert names(widget)[0] == "mine-too"
    assert widget.table.chosen_row().name == "mine-too"
    assert widget.status.text() == "Renamed mine to mine-too."


@pytest.mark.parametrize(
    ("name", "words"),
    [("photo-x4", "is a model 'photo-x4' already"), ("a/b", "cannot be the name of a model")],
)
def test_name_that_cannot_be_is_refused_in_words(open_models, own, monkeypatch, name, words):
    _, widget = open_models()
    click_row(widget, "mine")
    monkeypatch.setattr(dialogs, "ask_for_name", lambda *_: name)
    widget.buttons.rename.click()
    assert words in widget.status.text()
    assert names(widget)[0] == "mine"


def test_a_copy_of_a_model_is_saved_where_one_likes(open_models, own, tmp_path, monkeypatch):
    _, widget = open_models()
    assert not widget.buttons.copy.isEnabled()
    for name in ("mine", "photo-x4"):
        click_row(widget, name)
        monkeypatch.setattr(dialogs, "ask_where_to_save_model", lambda *_: None)
        widget.buttons.copy.click()
        file = tmp_path / f"{name}.safetensors"
        assert not file.exists()
        monkeypatch.setattr(dialogs, "ask_where_to_save_model", lambda *_, file=file: file)
        widget.buttons.copy.click()
        assert widget.status.text() == f"A copy of {name} is in {file}."
        assert file.read_bytes() == widget.table.chosen_row().file.read_bytes()
        assert str(widget.table.chosen_row().file) in widget.details.text.toPlainText()
    itself = widget.table.chosen_row().file
    monkeypatch.setattr(dialogs, "ask_where_to_save_model", lambda *_: itself)
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda *_: True)
    widget.buttons.copy.click()
    assert "is the file of photo-x4 itself" in widget.status.text()


def test_a_model_of_ones_own_says_on_what_it_was_measured(open_models, model_file):
    figure = QUALITY[0] | {"images": "wide and storm"}
    add_model(model_file("tuned", card={"quality": (Quality(**figure),), "baseline": Baseline(bicubic=28)}))
    _, widget = open_models()
    assert cells(widget)[0][:4] == ["tuned", "x2", "+2.00 dB", "own images"]
    click_row(widget, "tuned")
    text = widget.details.text.toPlainText()
    assert "held back of wide and storm" in text
    assert "cannot be compared with it" in text


def test_delete_asks_first(open_models, own, library_folder, monkeypatch):
    _, widget = open_models()
    click_row(widget, "mine")
    asked = []
    monkeypatch.setattr(dialogs, "ask_to_delete", lambda parent, name: asked.append(name))
    widget.buttons.delete.click()
    assert asked == ["mine"]
    assert (library_folder / "mine.safetensors").exists()
    monkeypatch.setattr(dialogs, "ask_to_delete", lambda *_: True)
    QTest.keyClick(widget.table, Qt.Key.Key_Delete)
    assert names(widget) == ["microscopy-x2", "photo-x4"]
    assert not (library_folder / "mine.safetensors").exists()
    assert "Choose a model" in widget.details.text.toPlainText()


def test_bundled_model_is_neither_deleted_nor_renamed(open_models, bundled_models, monkeypatch):
    _, widget = open_models()
    monkeypatch.setattr(dialogs, "ask_to_delete", lambda *_: pytest.fail("asked"))
    monkeypatch.setattr(dialogs, "ask_for_name", lambda *_: pytest.fail("asked"))
    click_row(widget, "photo-x4")
    assert not widget.buttons.delete.isEnabled()
    assert "came with napari-srgan" in widget.buttons.delete.toolTip()
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_F2):
        widget.status.clear()
        QTest.keyClick(widget.table, key)
        assert "photo-x4 came with napari-srgan" in widget.status.text().lower()
    assert (bundled_models / "photo-x4.safetensors").exists()


def test_file_that_cannot_be_read_is_shown_and_can_be_deleted(open_models, library_folder, monkeypatch):
    (library_folder / "odd.safetensors").write_bytes(b"garbage")
    _, widget = open_models()
    click_row(widget, "odd")
    assert cells(widget)[2][-1] == "cannot be read"
    assert "odd.safetensors" in widget.details.text.toPlainText()
    assert not widget.buttons.rename.isEnabled()
    monkeypatch.setattr(dialogs, "ask_to_delete", lambda *_: True)
    widget.buttons.delete.click()
    assert names(widget) == ["microscopy-x2", "photo-x4"]


def test_file_in_the_shadow_of_another_can_be_deleted(open_models, library_folder, tiny_model, monkeypatch):
    save_model(tiny_model(name="photo-x4"), library_folder / "photo-x4.safetensors")
    _, widget = open_models()
    shadowed = f"photo-x4 in {library_folder.name}"
    click_row(widget, shadowed)
    monkeypatch.setattr(dialogs, "ask_to_delete", lambda *_: True)
    widget.buttons.delete.click()
    assert widget.status.text() == f"Deleted {shadowed}."
    assert names(widget) == ["microscopy-x2", "photo-x4"]
    assert not list(library_folder.iterdir())


@pytest.mark.parametrize("last", [False, True])
def test_what_was_added_before_a_cancel_is_said_and_shown(
    open_models, finish_library, files_chosen, model_file, monkeypatch, last
):
    """Also the file that was being added, which is not left half done."""
    viewer, widget = open_models()
    adding, cancelled = Event(), Event()

    def add_slowly(file):
        adding.set()
        assert cancelled.wait(20)
        return add_model(file)

    monkeypatch.setattr(library_tasks, "add_model", add_slowly)
    files_chosen += [model_file("one")] if last else [model_file("one"), model_file("two")]
    widget.buttons.add.click()
    assert adding.wait(20)
    widget.cancel.click()
    cancelled.set()
    finish_library(viewer)
    assert widget.status.text() == "Cancelled. Added one."
    assert names(widget) == ["one", "microscopy-x2", "photo-x4"]
    assert widget.table.chosen_row().name == "one"


def test_sharp_model_says_that_it_invents_and_how_it_looks(open_models, library_folder, tiny_model):
    model = tiny_model(scale_factor=4, channels=3, name="gan")
    figures = [
        {"images": "Set5", "psnr": 27.0, "bicubic_psnr": 28.0, "protocol": "a"}
        | {"lpips_like": 0.08, "bicubic_lpips_like": 0.12}
    ]
    card = model.card.model_validate(model.card.model_dump() | {"quality": figures, "partner": "photo-x4"})
    save_model(type(model)(model.network, card), library_folder / "gan.safetensors")
    _, widget = open_models()
    click_row(widget, "gan")
    assert cells(widget)[0][2:4] == ["-1.00 dB", "Set5; looks 0.08 / 0.12"]
    text = widget.details.text.toPlainText()
    assert "Sharp: fine detail is invented, do not quantify it." in text
    assert "0.08 / 0.12" in text
    click_row(widget, "photo-x4")
    assert "invented" not in widget.details.text.toPlainText()


def test_citation_goes_to_the_clipboard(open_models, own):
    _, widget = open_models()
    click_row(widget, "photo-x4")
    assert not widget.buttons.cite.isEnabled()
    click_row(widget, "mine")
    QTest.mouseClick(widget.buttons.cite, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "Me (2024)."


def test_models_that_others_added_are_seen_when_the_mouse_comes_in(open_models, library_folder, tiny_model):
    _, widget = open_models()
    click_row(widget, "photo-x4")
    save_model(tiny_model(name="from-a-script"), library_folder / "from-a-script.safetensors")
    assert "from-a-script" not in names(widget)
    LIBRARY.look()  # what entering does
    assert "from-a-script" in names(widget)
    assert widget.table.chosen_row().name == "photo-x4"


def test_layout_follows_the_width(make_napari_viewer, own, qtbot):
    widget = ModelsWidget(make_napari_viewer())
    qtbot.addWidget(widget)
    widget.resize(350, 700)
    widget.show()
    assert widget.width() == 350
    click_row(widget, "mine")
    buttons, details = widget.buttons, widget.details
    qtbot.waitUntil(lambda: buttons.add.y() < buttons.cite.y())
    qtbot.waitUntil(lambda: details.picture.y() < details.text.y())
    widget.resize(1100, 700)
    qtbot.waitUntil(lambda: buttons.add.y() == buttons.cite.y())
    qtbot.waitUntil(lambda: details.picture.x() < details.text.x())
    assert not widget.table.horizontalScrollBar().isVisible()


def test_window_that_closes_is_forgotten(
    make_napari_viewer, open_models, finish_library, files_chosen, model_file
):
    first, _ = open_models()
    first.close()
    viewer, widget = open_models(make_napari_viewer())
    files_chosen.append(model_file("later"))
    widget.buttons.add.click()
    finish_library(viewer)
    assert widget.status.text() == "Added later."


def test_widget_that_closes_during_a_job_leaves_it_alone(
    open_models, finish_library, files_chosen, model_file, capfd
):
    viewer, widget = open_models()
    files_chosen += [model_file("one"), model_file("two")]
    widget.buttons.add.click()
    viewer.window.remove_dock_widget(widget)
    del widget
    finish_library(viewer)
    assert {"one", "two"} <= {card.name for card in list_models()}
    assert "Traceback" not in "".join(capfd.readouterr())


def test_add_model_is_a_command_too(make_napari_viewer, finish_library, files_chosen, model_file):
    from napari._app_model import get_app_model

    viewer = make_napari_viewer()
    files_chosen.append(model_file("by-command"))
    get_app_model().commands.execute_command("napari-srgan.add_models").result()
    finish_library(viewer)
    assert "by-command" in [card.name for card in list_models()]


def test_added_model_upscales(open_widget, open_models, finish_library, files_chosen, model_file, run):
    viewer, upscale = open_widget()
    viewer.add_image(np.zeros((20, 24), np.uint8), name="cells", contrast_limits=(0, 255))
    _, models = open_models(viewer)
    files_chosen.append(model_file("fresh", scale_factor=4))
    models.buttons.add.click()
    finish_library(viewer)
    field = upscale["models"]["model"]
    assert "fresh" in field.choices
    field.value = "fresh"
    assert run(viewer, upscale) == "Added 'cells x4 (fresh)'."


def test_each_bad_file_has_a_line_of_its_own():
    assert str(library_tasks.Added((), ("One is bad.", "Two is worse."))) == "One is bad.\nTwo is worse."
