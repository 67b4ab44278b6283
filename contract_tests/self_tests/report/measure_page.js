// What the browser itself says of a page: what sticks out, what cannot be read, what lies on something else.
(() => {
  const visible = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const hiddenOnPurpose = (element) => element.closest(".unseen, .skip, .stacked thead, .defs");
  const name = (element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") || ""}"> ${element.textContent.trim().slice(0, 60)}`;

  const colours = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const grounds = new Map([[null, [255, 255, 255]]]);
  const ground = (element) => {
    if (!grounds.has(element)) grounds.set(element, over(colours(getComputedStyle(element).backgroundColor), ground(element.parentElement)));
    return grounds.get(element);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };

  // Source: WCAG 2.2, success criterion 1.4.3.
  const faint = (element) => {
    const style = getComputedStyle(element);
    const isDrawn = element.namespaceURI.endsWith("svg");
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = contrast(over(colours(isDrawn ? style.fill : style.color), ground(element)), ground(element));
    return found < (isLarge ? 3 : 4.5) ? `${name(element)}: ${found.toFixed(2)}` : null;
  };

  const shown = [...document.body.querySelectorAll("*")].filter((element) => visible(element) && !hiddenOnPurpose(element));
  const told = shown.filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const inScroller = (element) => element.parentElement?.closest(".scroll");
  const outside = shown
    .filter((element) => !inScroller(element))
    .filter((element) => { const box = element.getBoundingClientRect(); return box.width && (box.left < -1 || box.right > innerWidth + 1); });
  const cut = told.filter((element) => {
    const style = getComputedStyle(element);
    return style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1 && !element.matches(".scroll");
  });
  // A short word of a table or a list that goes on in the next line.
  const broken = [];
  const range = document.createRange();
  for (const element of told.filter((element) => element.closest("td, th, dt, dd, li, button") && !element.closest("code"))) {
    for (const node of [...element.childNodes].filter((node) => node.nodeType === 3)) {
      for (const word of node.data.matchAll(/(?<!\S)[A-Za-z]{2,12}(?!\S)/g)) {
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(`${word[0]} in ${name(element)}`);
      }
    }
  }
  const touching = [];
  for (const drawing of document.querySelectorAll("svg.drawing")) {
    const words = [...drawing.querySelectorAll("text")].filter(visible).map((word) => [word, word.getBoundingClientRect()]);
    words.forEach(([one, a], index) => words.slice(index + 1).forEach(([other, b]) => {
      if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2) touching.push(`${name(one)} on ${name(other)}`);
    }));
  }
  return {
    width: document.scrollingElement.scrollWidth,
    outside: outside.map(name),
    cut: cut.map(name),
    broken,
    faint: told.map(faint).filter(Boolean),
    touching,
    small: told.filter((element) => parseFloat(getComputedStyle(element).fontSize) < 10).map(name),
  };
})()
