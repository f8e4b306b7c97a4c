/** What was looked at, and what was found. */
export type Check = {
  readonly name: string;
  /** `skip`: it could not be looked at from here, which is no fault. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly says: string;
  /** What to do; wherever it is not `ok`. */
  readonly hint?: string;
};

export const passed = (name: string, says: string): Check => ({ name, status: 'ok', says });
export const doubtful = (name: string, says: string, hint: string): Check => ({
  name,
  status: 'warn',
  says,
  hint,
});
export const wrong = (name: string, says: string, hint: string): Check => ({
  name,
  status: 'fail',
  says,
  hint,
});
export const skipped = (name: string, says: string, hint: string): Check => ({
  name,
  status: 'skip',
  says,
  hint,
});

/** The host of a URL: what stands behind it often is an API key. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'no URL');
