import { decodeBase64Url, encodeBase64Url, utf8 } from '../crypto/bytes.ts';
import type { WebhookRequest } from '../protocol/alert.ts';
import type { WebhookDocument } from './document.ts';

/**
 * Seals the secrets of webhooks: the URL of a Slack webhook, with which anyone may post, and the token of an e-mail provider. The log is
 * exported and kept forever, so it holds them as AES-256-GCM under a key that HKDF derives from RECEIPT_KEY. The additional data is the
 * name of the webhook and its visible URL: a sealed text that is copied to another webhook or host does not open.
 *
 * The nonce is a keyed hash of what is sealed (as in RFC 5297): the same secret gives the same document, so that writing it again changes
 * nothing, and two secrets never share a nonce.
 */
const NONCE = 12;

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(utf8(text));

/** A cipher, and the key of the nonce. */
const keysOf = async (receiptKey: string) => {
  const { d } = JSON.parse(receiptKey) as { readonly d: string };
  const seed = Uint8Array.from(decodeBase64Url(d) ?? []);
  const secret = await crypto.subtle.importKey('raw', seed, 'HKDF', false, ['deriveBits']);
  const info = bytes('countersign-webhook-secret/1');
  const salt = new Uint8Array();
  const derived = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    secret,
    512,
  );
  const usages = ['encrypt', 'decrypt'];
  const cipher = await crypto.subtle.importKey(
    'raw',
    derived.slice(0, 32),
    'AES-GCM',
    false,
    usages,
  );
  return { cipher, nonceKey: derived.slice(32) };
};

const parametersOf = (name: string, url: string, iv: Uint8Array<ArrayBuffer>) => ({
  ...{ name: 'AES-GCM', iv },
  additionalData: bytes(`${name}\n${url}`),
});

const seal = async (
  receiptKey: string,
  name: string,
  url: string,
  text: string,
): Promise<string> => {
  const { cipher, nonceKey } = await keysOf(receiptKey);
  // Cut to 96 bits, the hash cannot be extended; its input begins with 32 secret bytes.
  const input = [...new Uint8Array(nonceKey), ...utf8(`${name}\n${url}\n${text}`)];
  const hash = await crypto.subtle.digest('SHA-256', new Uint8Array(input));
  const iv = new Uint8Array(hash).slice(0, NONCE);
  const sealed = await crypto.subtle.encrypt(parametersOf(name, url, iv), cipher, bytes(text));
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
  const { cipher } = await keysOf(receiptKey);
  const parameters = parametersOf(name, url, Uint8Array.from(whole.slice(0, NONCE)));
  try {
    const text = Uint8Array.from(whole.slice(NONCE));
    return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, cipher, text));
  } catch {
    return undefined;
  }
};
