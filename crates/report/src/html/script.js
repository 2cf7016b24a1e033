// Adds a theme switch, filters and tooltips. The page says everything without it.
(function () {
  "use strict";
  var root = document.documentElement, all = function (q) { return Array.prototype.slice.call(document.querySelectorAll(q)); };
  var button = document.getElementById("theme"), tip = document.getElementById("tip");
  function stored(value) {
    // Storage may be closed to files.
    try { if (value) { localStorage.setItem("verismo-theme", value); } return localStorage.getItem("verismo-theme"); } catch (e) { return null; }
  }
  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function name() { button.textContent = isDark() ? "Light" : "Dark"; }
  if (stored() === "dark" || stored() === "light") { root.dataset.theme = stored(); }
  button.hidden = false;
  name();
  button.addEventListener("click", function () { root.dataset.theme = isDark() ? "light" : "dark"; stored(root.dataset.theme); name(); });

  // Links into a folded part open it.
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) { return; }
    for (var at = target; at; at = at.parentElement) { if (at.tagName === "DETAILS") { at.open = true; } }
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) { reveal(); }

  all(".tools").forEach(function (tools) {
    var scope = document.querySelector(tools.dataset.scope), only = "", words = tools.querySelector("input");
    function apply() {
      var query = words ? words.value.trim().toLowerCase() : "", shown = 0;
      Array.prototype.forEach.call(scope.querySelectorAll("[data-v]"), function (row) {
        var fits = (!only || only.split(" ").indexOf(row.dataset.v) >= 0) && (!query || row.dataset.n.toLowerCase().indexOf(query) >= 0);
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      var count = tools.querySelector("output");
      if (count) { count.textContent = shown + " shown"; }
    }
    tools.hidden = false;
    if (words) { words.addEventListener("input", apply); }
    Array.prototype.forEach.call(tools.querySelectorAll("[data-only]"), function (b) {
      b.addEventListener("click", function () {
        only = b.dataset.only;
        Array.prototype.forEach.call(tools.querySelectorAll("[data-only]"), function (o) { o.setAttribute("aria-pressed", String(o === b)); });
        apply();
      });
    });
    Array.prototype.forEach.call(tools.querySelectorAll("[data-fold]"), function (b) {
      b.addEventListener("click", function () {
        Array.prototype.forEach.call(scope.querySelectorAll("details"), function (d) { if (!d.hidden) { d.open = b.dataset.fold === "open"; } });
      });
    });
  });

  // Strips of time: what the stretch under the pointer says.
  document.addEventListener("pointermove", function (event) {
    var strip = event.target.closest && event.target.closest("[data-t]");
    if (!strip) { tip.hidden = true; return; }
    var box = strip.getBoundingClientRect(), parts = strip.dataset.t.split(" "), values = strip.dataset.e.split(",");
    var i = Math.min(values.length - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * values.length)));
    var at = new Date(1000 * (Number(parts[0]) + i * Number(parts[1]))).toISOString().replace("T", " ").slice(0, 19);
    tip.textContent = at + " UTC: " + (values[i] === "" ? "no effect: too little on a side" : "effect " + values[i] + (parts[2] ? ", margin " + parts[2] : ""));
    tip.hidden = false;
    tip.style.left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
  });

  // On paper every part that matters is unfolded, and folded again afterwards.
  var folded = [];
  addEventListener("beforeprint", function () {
    folded = all("details:not([open])");
    if (folded.length <= 60) { folded.forEach(function (d) { d.open = true; }); } else { folded = []; }
  });
  addEventListener("afterprint", function () { folded.forEach(function (d) { d.open = false; }); });
})();
