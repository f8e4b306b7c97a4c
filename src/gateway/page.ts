import { bytesOf, encodeBase64, sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { PublicTool } from './public-tool.ts';

const SIGNS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text and quoted attributes of HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');

/** The headers of a page. Its policy allows only the page's own style, so that injected markup could neither run nor load anything. */
export const pageHeaders = (style: string): Readonly<Record<string, string>> =>
  headersWith(["default-src 'none'", `style-src ${hashOf(style)}`]);

/**
 * The headers of a page on which a wallet can pay. It runs and loads only files of this origin, calls only this origin, and makes no HTML
 * from text (Trusted Types). A tool's answer cannot become a script here, because a browser gets it only with a signature in a header.
 */
export const payingPageHeaders = (style: string): Readonly<Record<string, string>> => ({
  ...headersWith([
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${hashOf(style)}`,
    "connect-src 'self'",
    "require-trusted-types-for 'script'",
  ]),
  // Some wallets sign in a window that the page opens.
  'Cross-Origin-Opener-Policy': 'same-origin-allow-popups',
});

const hashOf = (style: string): string =>
  `'sha256-${encodeBase64(bytesOf(sha256Hex(utf8(style))))}'`;

const headersWith = (policy: readonly string[]): Readonly<Record<string, string>> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    ...policy,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
});

/** Loads the script that makes the buttons of `payPlace`. Its name is fixed; it loads files with hashed names. */
export const PAY_SCRIPT = '<script type="module" src="/dashboard/pay.js"></script>';

/** Where the script puts the button that pays for a tool. Empty without JavaScript. */
export const payPlace = ({ id, settlement }: Pick<PublicTool, 'id' | 'settlement'>): string =>
  settlement === 'card'
    ? ''
    : `<div class="pay" data-pay="${escaped(id)}"${settlement === 'free' ? ' data-free' : ''}></div>`;

/** The style of that button. */
export const PAY_STYLE = `button.pay{padding:.5rem 1rem;border:1px solid var(--accent);border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:600 1rem/1.5 system-ui,sans-serif;cursor:pointer}
button.pay:hover{filter:brightness(.9)}
button.pay:disabled{opacity:.6;cursor:default}`;

/** Colours of pages, light and dark: those of the dashboard. Text has a contrast of at least 4.5 on both grounds (WCAG 2 AA). */
export const COLOURS = `
:root{--ground:#f6f7f9;--sheet:#fff;--ink:#16191d;--soft:#5b636e;--line:#e3e6ea;--accent:#2457d6;--on-accent:#fff;--ok:#14703c;--alarm:#b3261e}
@media (prefers-color-scheme:dark){:root{--ground:#0a0c0e;--sheet:#171a1f;--ink:#e9ebee;--soft:#9aa3af;--line:#2a2f37;--accent:#8ab0ff;--on-accent:#0f1114;--ok:#5ccf8e;--alarm:#ff8f85}}
`;
