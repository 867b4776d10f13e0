// Where the page is: its views are at its root, the pages of flows below paths of several words.

/** The root of the page, whichever prefix it is behind. */
export function home() {
  const script = document.querySelector("script[src]").getAttribute("src");
  return new URL(".", new URL(script, document.baseURI));
}

/** An address below the root, such as "api/flows" or "#/flows". */
export function at(path) {
  return new URL(path, home()).href;
}

/** The name of the flow whose page this is; empty for the views at the root. */
export function flowHere() {
  return decodeURIComponent(location.pathname.slice(home().pathname.length));
}
