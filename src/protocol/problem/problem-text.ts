/** The text of a problem for one reason, before it becomes an RFC 9457 document. */
export type ProblemText = Members & (Settled | Unavailable);

type Members = {
  readonly title: string;
  /** The event and its cause. Never contains a secret, an internal cause or data of another caller. */
  readonly detail: string;
  /** The next step for the caller. */
  readonly hint: string;
  /** Members that the document has besides the five above. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
};

type Settled = { readonly status: Status; readonly final?: never };

/** Clients repeat a request after 503. `final`: a repeat with the same proof would get the same answer, so clients stop at once. */
type Unavailable = { readonly status: 503; readonly final: boolean };

/** Every problem status except 503. */
export type Status =
  | (400 | 401 | 402 | 403 | 404 | 405 | 409 | 412 | 413 | 414 | 415 | 428 | 429 | 431)
  | (500 | 502 | 504);

/** The texts of a group of reasons. The build fails if a reason has no text. */
export type Texts<R extends { readonly reason: string }> = {
  readonly [K in R['reason']]: (reason: R & { readonly reason: K }) => ProblemText;
};

/** Only about this request: the gateway may have charged an earlier request with the same proof. */
export const FREE = 'This request charged nothing.';

export const CORRECT = `Correct the field and send the request again. ${FREE}`;

/** For a request whose outcome is unknown, whether or not it carries a signature. */
export const AGAIN =
  'Send the same request again after `retry_after` seconds. If it carries a signature, keep that signature: a new one could pay twice.';

/** For a signed call whose outcome is unknown. */
export const REPEAT =
  'Repeat the same request with the same signature, and its Agent-Retry-Key or payment-identifier, after `retry_after` seconds; ' +
  'do not sign again.';

/** The header that asks the caller to wait (RFC 9110 §10.2.3). */
export const retryAfter = (seconds: number) => ({ 'Retry-After': seconds.toString() });

/** A quoted-string of RFC 9110 §5.6.4. */
export const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, (sign) => `\\${sign}`)}"`;

const LONGEST_VALUE = 128;

/** The text of a field that has a wrong value. `expected` completes "must be …". */
export const mismatchText = (
  reason: { readonly field: string; readonly expected: string; readonly got: string },
  title: string,
  hint: string,
  effect: string = FREE,
): ProblemText => ({
  status: 400,
  title,
  // Shortened, because a long URL would bury the sentence; the whole value is in `expected`.
  detail: `${reason.field} must be ${reason.expected.slice(0, LONGEST_VALUE)}. ${effect}`,
  hint,
  more: { field: reason.field, expected: reason.expected, got: reason.got },
});
