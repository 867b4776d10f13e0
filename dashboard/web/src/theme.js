// The colours of the page's theme, as the style sheet has them.

const NAMES = [
  ...["price", "mean", "band", "volatility", "volatility-fill", "rule", "dim", "text", "card"],
  ...["buy", "sell", "anomaly", "regime", "no_forecast", "other"],
];
let colours = null;

export function theme() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

/** Read the theme again, after it changed. */
export function forgetTheme() {
  colours = null;
}
