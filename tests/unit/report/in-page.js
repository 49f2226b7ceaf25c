// What tests ask of a page, from within: it runs in the browser, before the page's own content.
const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);

function luminance(colour) {
  const [r, g, b] = channels(colour)
    .slice(0, 3)
    .map((one) => one / 255)
    .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function behind(element) {
  if (element === null) return "rgb(255, 255, 255)";
  const { backgroundColor } = getComputedStyle(element);
  return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
}

const isShown = (element) => element.getClientRects().length > 0;

window.inPage = {
  /** Whether it is wider than the screen. */
  overflow: () => document.documentElement.scrollWidth - window.innerWidth,

  bodyColours: () => {
    const { color, backgroundColor } = getComputedStyle(document.body);
    return { text: color, background: backgroundColor, isLight: luminance(backgroundColor) > 0.5 };
  },

  /** Of all texts to what is behind them, as WCAG has it, and of which text it is. */
  leastContrast: () =>
    [...document.querySelectorAll("p, li span, td, th, h1, h2, h3, h4, b, a, figcaption")]
      .filter(isShown)
      .map((element) => {
        const [more, less] = [getComputedStyle(element).color, behind(element)]
          .map(luminance)
          .sort((one, other) => other - one);
        return { ratio: (more + 0.05) / (less + 0.05), text: element.textContent };
      })
      .sort((one, other) => one.ratio - other.ratio)[0],

  /** Texts of charts that reach beyond their figure; one that scrolls in its own box may. */
  textsOutside: () =>
    [...document.querySelectorAll("figure:not(.wide) svg text")]
      .filter((text) => {
        const [own, figure] = [text, text.closest("figure")].map((one) => one.getBoundingClientRect());
        return own.left < figure.left - 1 || own.right > figure.right + 1;
      })
      .map((text) => text.textContent),

  /** Tables that do not fit into their box: on paper nobody can scroll. */
  tablesCut: () =>
    [...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth + 1).length,
};
