import canonicalize from 'canonicalize';

/** A member that two versions of a document have with different values. */
export type FieldChange = {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** The members that differ between two versions, in the order of the earlier one. */
export const changedFields = (before: object, after: object): readonly FieldChange[] => {
  const [old, now] = [before, after].map((version) => new Map(Object.entries(version)));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, before: old?.get(name), after: now?.get(name) }))
    .filter((change) => canonicalize(change.before ?? null) !== canonicalize(change.after ?? null));
};
