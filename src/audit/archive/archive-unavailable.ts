/** R2 did not answer, or lacks an object that D1 names. A later attempt may succeed. */
export class ArchiveUnavailable extends Error {
  override readonly name = 'ArchiveUnavailable';
}

/** R2 answered, and lacks an object that D1 names. */
export class ArchivedObjectMissing extends ArchiveUnavailable {}

/** Reads bytes of an object. @throws ArchiveUnavailable */
export const readObject = async (
  bucket: R2Bucket,
  name: string,
  range?: { readonly offset: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    const object = await bucket.get(name, range === undefined ? {} : { range });
    if (object !== null) return new Uint8Array(await object.arrayBuffer());
  } catch (cause) {
    throw new ArchiveUnavailable(`R2 does not answer for ${name}.`, { cause });
  }
  throw new ArchivedObjectMissing(`R2 has no object ${name}.`);
};
