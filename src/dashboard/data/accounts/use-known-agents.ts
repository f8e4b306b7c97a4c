import { useEffect, useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import type { Seconds } from '../../../core/clock.ts';
import { gateway } from '../gateway/gateway.ts';
import { type KnownAgents, knownAgents } from './known-agents.ts';
import { firstRows } from '../reading/list.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import type { Scope } from '../session/scope.ts';
import { sessionMemory } from '../reading/session-memory.ts';

/** Agents that a list offers, at most. */
const MOST = 500;
const KEPT_SECONDS = 300;

const read = async (management: Management, { role, account }: Scope): Promise<KnownAgents> => {
  const { items, isMore } =
    role === 'operator'
      ? await firstRows(management, 'accounts.list', {}, MOST)
      : await firstRows(management, 'account.tree', { params: { account } }, MOST);
  return knownAgents(items, isMore);
};

type Kept = { readonly of: string; readonly at: Seconds; readonly agents: Promise<KnownAgents> };

const keptAgents = sessionMemory((): { only?: Kept } => ({}));

const readOnce = async (management: Management, scope: Scope): Promise<KnownAgents> => {
  const of = `${scope.role} ${scope.account}`;
  const now = gatewayNow();
  const kept = keptAgents();
  if (kept.only?.of !== of || kept.only.at + KEPT_SECONDS < now) {
    kept.only = { of, at: now, agents: read(management, scope) };
  }
  try {
    return await kept.only.agents;
  } catch (thrown) {
    delete kept.only;
    throw thrown;
  }
};

/** The agents that the reader may name. All pages share one query, which starts when a field needs it; undefined until then. */
export const useKnownAgents = (
  { role, account }: Scope,
  isNeeded: boolean,
): KnownAgents | undefined => {
  const [known, setKnown] = useState<KnownAgents | undefined>(undefined);
  const management = gateway.value;
  useEffect(() => {
    if (!isNeeded || management === undefined) return;
    // Without the list, a field accepts only addresses.
    void readOnce(management, { role, account }).then(setKnown, () => undefined);
  }, [management, role, account, isNeeded]);
  return known;
};
