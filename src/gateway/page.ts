import { bytesOf, encodeBase64, sha256Hex, utf8 } from '../crypto/bytes.ts';

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
export const pageHeaders = (style: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${encodeBase64(bytesOf(sha256Hex(utf8(style))))}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
});

/** Colours of pages, light and dark. Text has a contrast of at least 4.5 on both grounds (WCAG 2 AA). */
export const COLOURS = `
:root{--ground:#f6f6f3;--sheet:#fff;--ink:#1b1d1f;--soft:#5a6066;--line:#dcdcd6;--accent:#0b6b4f;--alarm:#a32d1f}
@media (prefers-color-scheme:dark){:root{--ground:#131516;--sheet:#1b1e20;--ink:#eceeee;--soft:#a3aab0;--line:#34393c;--accent:#5fd0a8;--alarm:#ff9d8c}}
`;
