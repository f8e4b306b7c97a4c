/** Scripts for the page, as text: the types of this project are those of a Worker, which has no document. */

/** The lowest WCAG 2 contrast of any element's own text with its background, and that element. */
export const LOWEST_CONTRAST = `(() => {
  const channels = (colour) => (colour.match(/[0-9.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    if (element === null) return 'rgb(255, 255, 255)';
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''));
  return texts.map((element) => {
    const text = luminance(getComputedStyle(element).color);
    const ground = luminance(behind(element));
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    return { ratio, of: element.outerHTML.slice(0, 80) };
  }).sort((a, b) => a.ratio - b.ratio)[0];
})()`;

/** The focused element, and whether its focus is visible. */
export const FOCUSED = `(() => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  const ground = getComputedStyle(document.body).backgroundColor;
  return {
    name: document.activeElement.tagName,
    visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== ground,
  };
})()`;

/** Does what injected markup would try. Returns what the content security policy blocked, and the state of the page. */
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
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { display } = getComputedStyle(document.querySelector('main'));
  return { stopped: [...stopped].sort(), title: document.title, display };
})()`;

export const SCROLL_WIDTH = 'document.documentElement.scrollWidth';

export const GROUND = 'getComputedStyle(document.body).backgroundColor';

export const SHEET_WIDTH = `getComputedStyle(document.querySelector('main')).maxWidth`;
