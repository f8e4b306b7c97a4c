import { parseJurisdiction } from '../src/protocol/jurisdiction.ts';

/** How long an object in another jurisdiction than the deployment's waits before it looks again, milliseconds. */
export const ELSEWHERE_MS = 600_000;

/**
 * Whether an object is not one that this deployment would find, because `JURISDICTION` was changed after the first start. Alarms ask: an object
 * that is left in another jurisdiction would otherwise send its results to accounts of the same names that must not exist. It keeps them, and
 * sends them once the variable is right again.
 *
 * Platform: an alarm may not know the jurisdiction of its object, so the database has the last word.
 */
export const isElsewhere = async (
  { jurisdiction = 'none' }: Pick<DurableObjectId, 'jurisdiction'>,
  env: Pick<Env, 'AUDIT_DB' | 'JURISDICTION'>,
): Promise<boolean> => {
  const configured = parseJurisdiction(env.JURISDICTION?.trim() ?? '');
  if (configured === jurisdiction) return false;
  if (configured === undefined) return true;
  const { placementFault } = await import('../src/config/placement.ts');
  return (await placementFault(env.AUDIT_DB, configured)) !== undefined;
};
