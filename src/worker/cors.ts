/** Response headers that a browser page may read. */
export const EXPOSED_HEADERS = [
  'PAYMENT-REQUIRED',
  'PAYMENT-RESPONSE',
  'X-PAYMENT-RESPONSE',
  'Agent-Receipt',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'ETag',
  'Link',
].join(',');

/** Lets pages of every origin read an answer. Signatures authorize requests, never cookies, so every origin may send them. */
export const allowEveryOrigin = (answer: Response): Response => {
  answer.headers.set('Access-Control-Allow-Origin', '*');
  answer.headers.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  return answer;
};
