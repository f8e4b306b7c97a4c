/**
 * The jurisdiction of a deployment: where the platform keeps and runs its Durable Objects. It is part of how the platform finds an object:
 * one name in two jurisdictions is two objects, each with its own budget, counters and burned call ids. So every look-up goes through
 * `objectOf`; a lint rule forbids the others.
 */

/** The jurisdictions that Durable Objects, D1, R2 and queues all have. */
export const JURISDICTIONS = ['eu', 'us', 'fedramp'] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Undefined for a text that is no jurisdiction; an empty one is `none`: the platform chooses the place. */
export const parseJurisdiction = (text: string): Jurisdiction | 'none' | undefined =>
  text === '' ? 'none' : JURISDICTIONS.find((each) => each === text);

/** An environment: its objects are in the jurisdiction of this variable. */
export type Located = { readonly JURISDICTION?: string | undefined };

type Namespace<Stub> = { readonly getByName: (name: string) => Stub };
type Restrictable<Stub> = {
  readonly jurisdiction: (jurisdiction: Jurisdiction) => Namespace<Stub>;
};

/**
 * Returns the object with a name in the jurisdiction of the deployment.
 *
 * @throws Error if `JURISDICTION` is unknown: another spelling must not find another object
 */
export const objectOf = <Stub>(
  { JURISDICTION }: Located,
  namespace: Namespace<Stub>,
  name: string,
): Stub => {
  const jurisdiction = parseJurisdiction(JURISDICTION?.trim() ?? '');
  if (jurisdiction === undefined) throw new Error('unknown JURISDICTION');
  return (
    jurisdiction === 'none'
      ? namespace
      : (namespace as Namespace<Stub> & Restrictable<Stub>).jurisdiction(jurisdiction)
  ).getByName(name);
};
