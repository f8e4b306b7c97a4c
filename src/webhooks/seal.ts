import { decodeBase64Url, encodeBase64Url, utf8 } from '../crypto/bytes.ts';
import type { WebhookRequest } from '../protocol/alert.ts';
import type { WebhookDocument } from './document.ts';

/**
 * Seals the secrets of webhooks: the URL of a Slack webhook, with which anyone may post, and the token of an e-mail provider. The log is
 * exported and kept forever, so it holds them as AES-256-GCM under a key that HKDF derives from RECEIPT_KEY. The additional data is the
 * name of the webhook and its visible URL: a sealed text that is copied to another webhook or host does not open.
 *
 * The nonce is an HMAC of what is sealed (as in RFC 5297): the same secret gives the same document, so that writing it again changes
 * nothing, and two secrets never share a nonce.
 */
const NONCE = 12;
const PURPOSE = 'countersign-webhook-secret/1';

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(utf8(text));

const deriver = async (receiptKey: string) => {
  const { d } = JSON.parse(receiptKey) as { readonly d: string };
  const seed = Uint8Array.from(decodeBase64Url(d) ?? []);
  const secret = await crypto.subtle.importKey('raw', seed, 'HKDF', false, ['deriveKey']);
  return async (use: string, algorithm: object, usages: readonly KeyUsage[]): Promise<CryptoKey> =>
    crypto.subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: bytes(`${PURPOSE} ${use}`) },
      secret,
      algorithm as SubtleCryptoDeriveKeyAlgorithm,
      false,
      [...usages],
    );
};

type KeyUsage = 'encrypt' | 'decrypt' | 'sign';

const CIPHER = { name: 'AES-GCM', length: 256 };
const MAC = { name: 'HMAC', hash: 'SHA-256', length: 256 };

const boundTo = (name: string, url: string): Uint8Array<ArrayBuffer> => bytes(`${name}\n${url}\n`);

const seal = async (
  receiptKey: string,
  name: string,
  url: string,
  text: string,
): Promise<string> => {
  const derive = await deriver(receiptKey);
  const additionalData = boundTo(name, url);
  const mac = await derive('nonce', MAC, ['sign']);
  const tag = await crypto.subtle.sign('HMAC', mac, bytes(`${name}\n${url}\n${text}`));
  const iv = new Uint8Array(tag).slice(0, NONCE);
  const cipher = await derive('seal', CIPHER, ['encrypt']);
  const parameters = { name: 'AES-GCM', iv, additionalData };
  const sealed = await crypto.subtle.encrypt(parameters, cipher, bytes(text));
  return encodeBase64Url(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
};

/**
 * The form in which a webhook is kept: without its secret in the clear.
 *
 * @param name the name under which its account keeps it
 */
export const sealWebhook = async (
  receiptKey: string,
  name: string,
  { token, ...request }: WebhookRequest,
): Promise<WebhookDocument> => {
  const { format, url } = request;
  if (format !== 'slack' && format !== 'email') return request;
  const shown = format === 'slack' ? `${new URL(url).origin}/` : url;
  const sealed = await seal(receiptKey, name, shown, format === 'slack' ? url : (token ?? ''));
  return { ...request, url: shown, sealed };
};

/** The secret of a webhook; undefined if it was sealed under another RECEIPT_KEY, or for another webhook or URL. */
export const openSecret = async (
  receiptKey: string,
  name: string,
  { sealed = '', url }: Pick<WebhookDocument, 'sealed' | 'url'>,
): Promise<string | undefined> => {
  const whole = decodeBase64Url(sealed);
  if (whole === undefined || whole.length <= NONCE) return undefined;
  const derive = await deriver(receiptKey);
  const cipher = await derive('seal', CIPHER, ['decrypt']);
  const [iv, text] = [whole.slice(0, NONCE), Uint8Array.from(whole.slice(NONCE))];
  try {
    const parameters = { name: 'AES-GCM', iv, additionalData: boundTo(name, url) };
    return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, cipher, text));
  } catch {
    return undefined;
  }
};
