/** The bucket of the archive. The binding is optional, though the types of this repository's own configuration have it. */
export const archiveBucket = (env: object): R2Bucket | undefined =>
  (env as { readonly AUDIT_ARCHIVE?: R2Bucket }).AUDIT_ARCHIVE;
