/**
 * Whether a gateway keeps a transparency log: it has the log's key (`LOG_KEY`) and the class of the log's object. A Worker that another
 * application owns may lack the class.
 */
export const hasLog = (env: {
  readonly LOG_KEY?: unknown;
  readonly AUDIT_LOG?: unknown;
}): boolean =>
  typeof env.LOG_KEY === 'string' && env.LOG_KEY.trim() !== '' && env.AUDIT_LOG !== undefined;

/** The bucket of the archive. The binding is optional, though the types of this repository's own configuration have it. */
export const archiveBucket = (env: object): R2Bucket | undefined =>
  (env as { readonly AUDIT_ARCHIVE?: R2Bucket }).AUDIT_ARCHIVE;
