"use strict";
// What the layers of a map have in common. Shapes refer to their words by number; words are set as text, never as HTML.
var gridnotice = {
  words: function (name) {
    return document.getElementById("map").dataset[name];
  },
  texts: [],
  said: function (number) {
    var span = document.createElement("span");
    span.textContent = gridnotice.texts[number];
    return span;
  },
  // Called for each shape: a tip when it is pointed at or tapped, or a label that always stands.
  tell: function (feature, layer) {
    var known = feature.properties;
    if ("tip" in known) {
      layer.bindTooltip(function () { return gridnotice.said(known.tip); }, {sticky: true, className: "tip"});
    }
    if ("label" in known) {
      layer.bindTooltip(function () { return gridnotice.said(known.label); }, known.beside
        ? {permanent: true, direction: "right", offset: [12, 0], className: "device-label"}
        : {permanent: true, direction: "center", pane: "names", className: "place-label"});
    }
  },
  // Hide the names of places that would lie over a name that is there already; devices come first.
  thin: function () {
    var taken = Array.from(document.querySelectorAll(".device-label"), function (label) { return label.getBoundingClientRect(); });
    document.querySelectorAll(".place-label").forEach(function (label) {
      var box = label.getBoundingClientRect();
      var free = taken.every(function (other) {
        return box.right < other.left || other.right < box.left || box.bottom < other.top || other.bottom < box.top;
      });
      label.style.visibility = free ? "" : "hidden";
      if (free) taken.push(box);
    });
  }
};
L.Map.addInitHook(function () {
  this.on("zoomend moveend layeradd", function () {
    cancelAnimationFrame(gridnotice.waiting);
    gridnotice.waiting = requestAnimationFrame(gridnotice.thin);
  });
});
L.Control.Zoom.mergeOptions({zoomInTitle: gridnotice.words("zoomIn"), zoomOutTitle: gridnotice.words("zoomOut")});
L.Control.Scale.mergeOptions({imperial: false});
L.Map.mergeOptions({attributionControl: false});
