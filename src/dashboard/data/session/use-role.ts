import { problemIn, CountersignError } from '../../../client/errors.ts';
import { isRecord, readJsonBody } from '../../../client/json.ts';
import { readOutgoing } from '../../../client/outgoing.ts';
import { tabStorage } from '../../session/tab-storage.ts';
import { useQuery } from '../reading/query.ts';
import { readBySession } from '../gateway/reader.ts';
import type { Role } from './scope.ts';

const NAME = 'countersign-role';

/** The role that this tab read last for the account: it only chooses the navigation until the gateway answers, never data. */
export const lastRole = (account: string): Role | undefined => {
  const kept = tabStorage.get(NAME);
  if (kept === `operator ${account}`) return 'operator';
  return kept === `owner ${account}` ? 'owner' : undefined;
};

/** Keeps the role for the next load of this tab. */
export const keepRole = (account: string, role: Role): void =>
  tabStorage.set(NAME, `${role} ${account}`);

const HOUR_SECONDS = 3600;
const MAX_BYTES = 4096;
const TIMEOUT_MS = 30_000;

/** @throws CountersignError `refused`, `answer_malformed` */
const readRole = async (signal: AbortSignal): Promise<Role> => {
  const asked = await readOutgoing(`${location.origin}/session`, { signal });
  const response = await readBySession(asked);
  if (!response.ok) {
    const problem = await problemIn(response, TIMEOUT_MS);
    const why = problem?.detail ?? `The gateway answered ${response.status}.`;
    throw new CountersignError('refused', why, { response, ...(problem && { problem }) });
  }
  const shown = await readJsonBody(response, MAX_BYTES, TIMEOUT_MS);
  if (!isRecord(shown)) {
    throw new CountersignError('answer_malformed', 'The answer describes no session.', {
      response,
    });
  }
  return shown['is_operator'] === true ? 'operator' : 'owner';
};

/** Whether the signed-in account is an operator now. The gateway decides at each request; this only chooses the navigation. */
export const useRole = () => useQuery<Role>('role', (_, signal) => readRole(signal), HOUR_SECONDS);
