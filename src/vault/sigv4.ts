import { bytesToHex } from '@noble/hashes/utils.js';
import { AwsV4Signer } from 'aws4fetch';
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
  /** Only for temporary credentials. */
  readonly sessionToken: string | undefined;
  /** Unix milliseconds. */
  readonly now: number;
};

/**
 * Returns the headers that sign a request with AWS Signature Version 4 ("Create a signed AWS API request", AWS IAM User Guide). Signs host,
 * date, token, `headers` but for those of transport (`content-type`, `range`), and for S3 the digest of the body: without it, aws4fetch would
 * leave the body unsigned.
 */
export const signSigV4 = async ({
  url,
  headers: further = {},
  sessionToken,
  now,
  ...request
}: SigV4Request): Promise<Readonly<Record<string, string>>> => {
  const signer = new AwsV4Signer({
    ...request,
    url: url.href,
    headers: {
      ...further,
      ...(request.service === 's3' ? { 'x-amz-content-sha256': await sha256(request.body) } : {}),
    },
    datetime: new Date(now).toISOString().replace(/[-:]|\.[0-9]{3}/g, ''),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
  const { headers } = await signer.sign();
  return Object.fromEntries([...headers].filter(([name]) => !(name in further)));
};

const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

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
