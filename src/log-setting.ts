/**
 * Whether a gateway keeps a transparency log: it has a key for it (`LOG_KEY`) and the class of its object. A Worker that another application
 * owns may lack the class.
 */
export const hasLog = (env: {
  readonly LOG_KEY?: unknown;
  readonly AUDIT_LOG?: unknown;
}): boolean =>
  typeof env.LOG_KEY === 'string' && env.LOG_KEY.trim() !== '' && env.AUDIT_LOG !== undefined;
