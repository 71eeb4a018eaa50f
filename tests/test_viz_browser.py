"""The HTML pages in a real browser without a head: no error, no network, folding, hovering, searching, stepping."""

import json
import shutil
import subprocess

import pytest

import tensorlite as tl
from tensorlite import nn, viz

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium")]

#: Collects errors from the first moment on; a script at the end acts and writes its findings into the page.
_HEAD = """<script>
window.problems = [];
window.addEventListener("error", (e) => problems.push(String(e.message)));
const error_ = console.error; console.error = (...a) => { problems.push(a.join(" ")); error_(...a); };
</script>"""


def drive(page, script, tmp_path):
    """Open ``page``, run ``script`` (its value is returned), and insist on no error and no request."""
    act = (
        "<script>window.addEventListener('load', () => { let found; try { found = (() => {" + script + "})(); }"
        " catch (e) { problems.push(String(e)); }"
        " const requests = performance.getEntriesByType('resource').map((r) => r.name).filter((n) => !n.startsWith('data:'));"
        " const out = document.createElement('textarea'); out.id = 'findings';"
        " out.textContent = JSON.stringify({found, problems, requests}); document.body.appendChild(out); });</script>"
    )
    path = tmp_path / "page.html"
    head, tail = page.replace("<head>", "<head>" + _HEAD, 1), act
    at = head.rindex("</body>")
    path.write_text(head[:at] + tail + head[at:], encoding="utf-8")
    dom = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--window-size=1280,720",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120,
    ).stdout  # fmt: skip
    assert 'id="findings"' in dom, dom[-2000:]
    import html

    text = html.unescape(dom.split('id="findings">', 1)[1].split("</textarea>", 1)[0])
    findings = json.loads(text)
    assert findings["problems"] == []
    assert findings["requests"] == []
    return findings["found"]


@pytest.fixture
def page():
    tl.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    return viz.graph((net, tl.ones(5, 4)), values="stats").to_html()


def test_draws_everything(page, tmp_path):
    found = drive(page, """
        return {boxes: document.querySelectorAll('.box').length, groups: document.querySelectorAll('.group').length,
                arrows: document.querySelectorAll('.arrow').length, outside: [...document.querySelectorAll('.box > rect')].filter((r) => {
                  const b = r.getBoundingClientRect(); return b.left < 0 || b.right > innerWidth || b.top < 0 || b.bottom > innerHeight; }).length};
    """, tmp_path)  # fmt: skip
    assert found == {"boxes": 9, "groups": 4, "arrows": 8, "outside": 0}


def test_boxes_do_not_overlap(page, tmp_path):
    found = drive(page, """
        const r = [...document.querySelectorAll('.box')].map((b) => b.querySelector('rect').getBoundingClientRect());
        let n = 0;
        for (let i = 0; i < r.length; i++) for (let j = 0; j < i; j++)
          if (r[i].left < r[j].right && r[j].left < r[i].right && r[i].top < r[j].bottom && r[j].top < r[i].bottom) n++;
        return n;
    """, tmp_path)  # fmt: skip
    assert found == 0


def test_click_and_key_fold_and_unfold(page, tmp_path):
    found = drive(page, """
        const count = () => document.querySelectorAll('.box').length;
        const out = [count()];
        document.querySelector('.group[data-key="0"]').dispatchEvent(new MouseEvent('click', {bubbles: true}));
        out.push(count(), document.querySelector('.box[data-key="0"]').getAttribute('aria-expanded'));
        const box = document.querySelector('.box[data-key="0"]');
        box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
        out.push(count());
        document.getElementById('fold').click(); out.push(count());
        document.getElementById('unfold').click(); out.push(count());
        return out;
    """, tmp_path)  # fmt: skip
    assert found == [9, 7, "false", 9, 3, 9]


def test_hover_search_zoom(page, tmp_path):
    found = drive(page, """
        const box = [...document.querySelectorAll('.box')].find((b) => b.textContent.includes('relu'));
        box.dispatchEvent(new PointerEvent('pointerenter', {clientX: 300, clientY: 300}));
        const tip = document.getElementById('tip'), text = tip.textContent, shown = !tip.hidden;
        box.dispatchEvent(new PointerEvent('pointerleave', {}));
        const search = document.getElementById('search');
        search.value = 'bias'; search.dispatchEvent(new Event('input'));
        const hits = document.querySelectorAll('.found').length, dim = document.querySelectorAll('.dim').length;
        document.getElementById('fold').click();
        search.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
        const unfolded = document.querySelectorAll('.found').length;
        const before = scene.getAttribute('transform');
        document.dispatchEvent(new KeyboardEvent('keydown', {key: '+'}));
        return {text, shown, hidden: tip.hidden, hits, dim, unfolded, zoomed: scene.getAttribute('transform') !== before};
    """, tmp_path)  # fmt: skip
    assert found["shown"] and found["hidden"] and found["zoomed"]
    assert "float32[5, 8]" in found["text"] and "zeros" in found["text"] and "test_viz_browser.py" in found["text"]
    assert (found["hits"], found["dim"], found["unfolded"]) == (2, 7, 2)


def test_player_steps_with_keys_and_slider(tmp_path):
    a, b = tl.tensor(2.0, requires_grad=True), tl.tensor(-3.0, requires_grad=True)
    d = a * b
    y = d.tanh() + a * a
    found = drive(viz.play(y).to_html(), """
        const key = (k) => document.dispatchEvent(new KeyboardEvent('keydown', {key: k}));
        const state = () => [document.body.dataset.step, document.querySelector('#panel h2').textContent,
                             document.querySelectorAll('.lit').length, document.querySelectorAll('.total').length];
        const out = [state()];
        key('ArrowRight'); out.push(state());
        key('End'); out.push(state());
        const s = document.getElementById('slider'); s.value = 2; s.dispatchEvent(new Event('input')); out.push(state());
        key('ArrowLeft'); key('Home'); key('ArrowLeft'); out.push(state());
        return {out, totals: (key('End'), [...document.querySelectorAll('.total')].map((t) => t.textContent))};
    """, tmp_path)  # fmt: skip
    steps = [s[:2] for s in found["out"]]
    assert steps == [["0", "y = add(...)"], ["1", "mul"], ["3", "d = mul(...)"], ["2", "tanh"], ["0", "y = add(...)"]]
    assert [s[3] for s in found["out"]] == [0, 1, 2, 1, 0]
    assert found["out"][0][2] >= 3 and len(found["totals"]) == 2


def test_dark_mode_is_dark(tmp_path):
    x = tl.ones(2, requires_grad=True)
    found = drive(
        viz.graph((x * 2).sum(), theme="dark").to_html(),
        "return getComputedStyle(document.body).backgroundColor;",
        tmp_path,
    )
    assert found == "rgb(20, 24, 29)"


def test_a_deep_model_opens_folded(tmp_path):
    net = nn.Sequential(*[nn.Sequential(nn.Linear(n, n + 1), nn.ReLU(), nn.Linear(n + 1, n + 1)) for n in range(2, 30)])
    found = drive(
        viz.graph((net, tl.ones(1, 2))).to_html(), "return document.querySelectorAll('.box').length;", tmp_path
    )
    assert found == 30
