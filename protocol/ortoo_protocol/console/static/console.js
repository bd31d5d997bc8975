// What the pages need beside htmx: going back from a form, keeping what is typed, charts, sheets.
"use strict";

// A form's "cancel" leads to where the person came from.
document.addEventListener("click", (event) => {
  const back = event.target.closest("[data-back]");
  if (back && history.length > 1 && document.referrer.startsWith(location.origin)) {
    event.preventDefault();
    history.back();
  }
  const toggle = event.target.closest("[data-full-screen]");
  if (toggle) {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  });
});

// Line charts: <div class="chart" data-chart='{"time":…,"times":[s,…],"lines":[{"name":…,"values":[…]},…]}'>.
// Days are Beijing's, as everywhere in the pages.
function drawChart(box) {
  const given = JSON.parse(box.dataset.chart);
  const style = getComputedStyle(document.documentElement);
  const colours = ["--line-1", "--line-2", "--line-3", "--line-4"].map((name) =>
    style.getPropertyValue(name).trim()
  );
  const ink = style.getPropertyValue("--ink-2").trim();
  const grid = style.getPropertyValue("--edge").trim();
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
  box.replaceChildren();
  const beijing = (s) => uPlot.tzDate(new Date(s * 1000), "Asia/Shanghai");
  const minute = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}");
  const hour = uPlot.fmtDate("{M}-{D} {HH}:{mm}");
  const day = uPlot.fmtDate("{YYYY}-{MM}-{DD}");
  const times = (_plot, splits, _axis, _space, step) =>
    splits.map((s) => (step < 86400 ? hour : day)(beijing(s)));
  new uPlot(
    {
      tzDate: beijing,
      width: Math.max(280, box.clientWidth),
      height: 220,
      series: [
        { label: given.time, value: (_plot, s) => (s == null ? "" : minute(beijing(s))) },
        ...given.lines.map((line, index) => ({
          label: line.name,
          stroke: colours[index % colours.length],
          width: 2,
          points: { show: given.times.length < 3 },
        })),
      ],
      axes: [{ ...axis, space: 100, values: times }, { ...axis, size: 60 }],
    },
    [given.times, ...given.lines.map((line) => line.values)],
    box
  );
}
function drawCharts(root) {
  if (typeof uPlot === "undefined") return;
  root.querySelectorAll("[data-chart]").forEach(drawChart);
}

// A table wider than its place is moved by the keyboard too (WCAG 2.1.1).
function reachTables() {
  document.querySelectorAll(".wide").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
}
function arrange(root) {
  drawCharts(root);
  reachTables();
}
document.addEventListener("DOMContentLoaded", () => arrange(document));
document.addEventListener("htmx:afterSwap", (event) => arrange(event.target));
// Charts are drawn to a width and in colours: anew when either changes.
let arranging = 0;
function arrangeSoon() {
  cancelAnimationFrame(arranging);
  arranging = requestAnimationFrame(() => arrange(document));
}
window.addEventListener("resize", arrangeSoon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", arrangeSoon);
