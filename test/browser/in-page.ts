/** Scripts for the page, as text: this project's types are those of a Worker, which has no `document`. */

/** Returns the focused element, and whether its focus is visible. */
export const FOCUSED = `(() => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  const ground = getComputedStyle(document.body).backgroundColor;
  return {
    name: document.activeElement.tagName,
    visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== ground,
  };
})()`;

/** The number of directives that block what `INJECTED` tries. */
const MOST_STOPPED = 4;

/** Tries what injected markup would try. Returns what the content security policy blocked, and the state of the page. */
export const INJECTED = `(async () => {
  const stopped = new Set();
  document.addEventListener('securitypolicyviolation', (event) => stopped.add(event.effectiveDirective));
  const attempt = (run) => { try { run(); } catch { /* Trusted Types throw. */ } };
  const script = document.createElement('script');
  attempt(() => script.append('document.title = "taken over"'));
  const foreign = document.createElement('link');
  foreign.rel = 'stylesheet';
  foreign.href = 'https://attacker.example/x.css';
  const style = document.createElement('style');
  style.textContent = 'main { display: none }';
  const image = document.createElement('img');
  image.src = '/healthz';
  document.body.append(script, style, foreign, image);
  attempt(() => document.body.insertAdjacentHTML('beforeend', '<p onclick="x"></p>'));
  await fetch('https://attacker.example/').catch(() => undefined);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  // On a slow machine, the browser reports a violation late.
  for (let rounds = 0; rounds < 300 && stopped.size < ${MOST_STOPPED}; rounds += 1) await pause();
  await pause();
  const { display } = getComputedStyle(document.querySelector('main'));
  return { stopped: [...stopped].sort(), title: document.title, display };
})()`;

export const SCROLL_WIDTH = 'document.documentElement.scrollWidth';

export const GROUND = 'getComputedStyle(document.body).backgroundColor';

export const SHEET_WIDTH = `getComputedStyle(document.querySelector('main')).maxWidth`;

/** Tells whether a chart has a pixel in the first series' colour of the current scheme. */
export const CHART_FOLLOWS = `(() => {
  const figure = document.querySelector('.chart');
  const canvas = figure.querySelector('canvas');
  const swatch = document.createElement('span');
  swatch.style.color = 'var(--series-1)';
  figure.append(swatch);
  const wanted = getComputedStyle(swatch).color.match(/[0-9]+/g).map(Number);
  swatch.remove();
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4)
    if (wanted.every((value, channel) => data[at + channel] === value)) return true;
  return false;
})()`;

/**
 * Closes the open dialog and presses the button with this name before the browser has fired `close`. Then waits for the handlers of
 * `close`.
 */
export const closeAndPress = (name: string): string => `(() => {
  document.querySelector('dialog[open]').close();
  [...document.querySelectorAll('button')]
    .find((each) => (each.ariaLabel ?? each.textContent) === ${JSON.stringify(name)}).click();
  return new Promise((done) => setTimeout(done, 200));
})()`;
