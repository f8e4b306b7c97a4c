/** Escapes by the rules of widespread libraries: which characters each escapes, and how it writes them. */

const escaping =
  (special: RegExp, write: (unit: string) => string) =>
  (text: string): string =>
    text.replace(special, write);

const listed = (escapes: Readonly<Record<string, string>>) => (text: string) =>
  [...text].map((unit) => escapes[unit] ?? unit).join('');

const pointOf = (unit: string): number => unit.codePointAt(0) ?? 0;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const reference = (unit: string): string => `&#x${hex(pointOf(unit), 1).toUpperCase()};`;
const units = (write: (unit: number) => string) => (text: string) =>
  text
    .split('')
    .map((unit) => write(unit.charCodeAt(0)))
    .join('');
const jsonUnit = units((unit) => `\\u${hex(unit, 4)}`);
const percent =
  (write: (byte: string) => string = (byte) => byte.toUpperCase()) =>
  (unit: string): string =>
    [...new TextEncoder().encode(unit)].map((byte) => `%${write(hex(byte, 2))}`).join('');

const BASIC = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const goJson = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[<>&\u2028\u2029]/g, jsonUnit);
const mustache = listed({
  ...{ ...BASIC, '"': '&quot;', "'": '&#39;', '/': '&#x2F;', '`': '&#x60;', '=': '&#x3D;' },
});
const goHtml = listed({ ...BASIC, '"': '&#34;', "'": '&#39;' });
const netHtml = (text: string): string =>
  listed({ ...BASIC, '"': '&quot;' })(text).replace(/[^\x20-\x7e]|['+`]/gu, reference);
const netJson = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '\\u0022')
    .replace(/[<>&'+`]|[^\x20-\x7e]/g, (unit) => jsonUnit(unit).toUpperCase().replace('U', 'u'));

export const ENCODERS: Readonly<Record<string, (text: string) => string>> = {
  mustache,
  handlebars: listed({
    ...{ ...BASIC, '"': '&quot;', "'": '&#x27;', '`': '&#x60;', '=': '&#x3D;' },
  }),
  'Go html.EscapeString': goHtml,
  'Go html/template, unquoted attribute': listed({
    ...{ ...BASIC, '"': '&#34;', "'": '&#39;', '+': '&#43;', '=': '&#61;', '`': '&#96;' },
    ...{ ' ': '&#32;', '\n': '&#10;', '\t': '&#9;' },
  }),
  'Go html/template, script': (text) =>
    jsonUnit(text.replace(/./gsu, (unit) => unit)).replace(
      /\\u00([2-7][0-9a-f])/g,
      (whole, digits: string) => {
        const unit = String.fromCharCode(Number.parseInt(digits, 16));
        return /[A-Za-z0-9 _.,:;=]/.test(unit) ? unit : unit === '/' ? '\\/' : whole;
      },
    ),
  'Go encoding/json': goJson,
  'Go url.QueryEscape': (text) =>
    escaping(/[^A-Za-z0-9_.~-]/gu, percent())(text).replaceAll('%20', '+'),
  'Go url.PathEscape': escaping(/[^A-Za-z0-9_.~$&+=:@-]/gu, percent()),
  'Go html/template, URL': escaping(
    /[^A-Za-z0-9_.~-]/gu,
    percent((byte) => byte),
  ),
  '.NET HtmlEncoder': netHtml,
  '.NET JavaScriptEncoder': netJson,
  '.NET UrlEncoder': escaping(/[^A-Za-z0-9_.~-]/gu, percent()),
  '.NET HttpUtility.UrlEncode': (text) =>
    escaping(
      /[^A-Za-z0-9_.!*()-]/gu,
      percent((byte) => byte),
    )(text).replaceAll('%20', '+'),
  'PHP json_encode': (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replaceAll('/', '\\/')
      .replace(/[^\x20-\x7e]/g, jsonUnit),
  'PHP htmlspecialchars': listed({ ...BASIC, '"': '&quot;', "'": '&#039;' }),
  'Python html.escape': listed({ ...BASIC, '"': '&quot;', "'": '&#x27;' }),
  'Python quote': escaping(/[^A-Za-z0-9_.~/-]/gu, percent()),
  'only / escaped': (text) => text.replaceAll('/', '%2F'),
  'only _ escaped': (text) => text.replaceAll('_', '%5F'),
  'named references': listed({
    ...{ ...BASIC, '/': '&sol;', '=': '&equals;', '+': '&plus;', _: '&lowbar;', '%': '&percnt;' },
    ...{ '"': '&quot;', "'": '&apos;', ' ': '&#32;', '\\': '&bsol;' },
  }),
  'unpadded base64': (text) => text.replace(/=+$/, ''),
  'mustache in JSON of Go': (text) => goJson(mustache(text)),
  'HTML in JSON of .NET': (text) => netJson(netHtml(text)),
  'URL in JSON of PHP': (text) =>
    escaping(/[^A-Za-z0-9_.~/-]/gu, percent())(text).replaceAll('/', '\\/'),
  'URL in HTML': (text) => goHtml(escaping(/[^A-Za-z0-9_.~'&-]/gu, percent())(text)),
};
