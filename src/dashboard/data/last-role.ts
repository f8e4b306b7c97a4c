import { tabStorage } from '../session/tab-storage.ts';
import type { Role } from './role.ts';

const NAME = 'countersign-role';

/** The role that the account had when this tab read it last: it chooses the navigation until the gateway answers, and no data. */
export const lastRole = (account: string): Role | undefined => {
  const kept = tabStorage.get(NAME);
  if (kept === `operator ${account}`) return 'operator';
  return kept === `owner ${account}` ? 'owner' : undefined;
};

/** Keeps the role for the next load of this tab. */
export const keepRole = (account: string, role: Role): void =>
  tabStorage.set(NAME, `${role} ${account}`);
