import { bytesToHex } from '@noble/hashes/utils.js';
import { utf8 } from '../crypto/bytes.ts';

/** What AWS Signature Version 4 signs, and the keys. */
export type SigV4Request = {
  readonly method: string;
  readonly url: URL;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly region: string;
  readonly service: string;
  /** Further headers to sign, named in lower case, e.g. `x-amz-target`. The caller sends them itself. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken: string | undefined;
  /** Unix milliseconds. */
  readonly now: number;
};

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Returns the headers that sign a request with AWS Signature Version 4 ("Create a signed AWS API request", AWS IAM User Guide). Signs host,
 * date, token, `headers`, and for S3 the digest of the body, which S3 requires as a header.
 */
export const signSigV4 = async ({
  method,
  url,
  body,
  region,
  service,
  headers: further = {},
  accessKeyId,
  secretAccessKey,
  sessionToken,
  now,
}: SigV4Request): Promise<Readonly<Record<string, string>>> => {
  const date = new Date(now).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const day = date.slice(0, 8);
  const digest = await sha256(body);
  const added: Readonly<Record<string, string>> = {
    ...(service === 's3' ? { 'x-amz-content-sha256': digest } : {}),
    'x-amz-date': date,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const signed = Object.entries({ ...further, host: url.host, ...added }).sort(([a], [b]) =>
    order(a, b),
  );
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    method,
    canonicalPath(url.pathname, service),
    canonicalQuery(url.search),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    digest,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, date, scope, await sha256(utf8(canonical))].join('\n');
  let key: Uint8Array = utf8(`AWS4${secretAccessKey}`);
  for (const part of [day, region, service, 'aws4_request']) key = await hmacSha256(key, part);
  const signature = bytesToHex(await hmacSha256(key, text));
  return {
    ...added,
    authorization: `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
};

/** S3 signs the path as it is; every other service encodes each segment of it once more. */
const canonicalPath = (path: string, service: string): string =>
  service === 's3' ? path : path.split('/').map(encoded).join('/');

const canonicalQuery = (search: string): string =>
  [...new URLSearchParams(search)]
    .map(([name, value]): readonly [string, string] => [encoded(name), encoded(value)])
    .sort(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const sha256 = async (bytes: Uint8Array): Promise<string> =>
  bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));

export const hmacSha256 = async (
  key: Uint8Array,
  data: string | Uint8Array,
): Promise<Uint8Array> => {
  const imported = await crypto.subtle.importKey(
    'raw',
    new Uint8Array(key),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const bytes = new Uint8Array(typeof data === 'string' ? utf8(data) : data);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes));
};
