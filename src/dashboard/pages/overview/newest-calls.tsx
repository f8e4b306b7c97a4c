import { Link } from 'wouter-preact';
import type { Management } from '../../../client/management.ts';
import type { CallRow } from '../../data/calls/call-rows.ts';
import { firstRows } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import { keyName } from '../../data/gateway/local-stack.ts';
import type { Scope } from '../../data/session/scope.ts';
import { readTreeCalls } from '../../data/calls/tree-calls.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { CallTable } from '../../parts/call-table.tsx';

const MOST = 8;

type Newest = {
  readonly items: readonly CallRow[];
  /** Accounts whose calls were read, if newer calls of others may be missing. */
  readonly onlyOf?: number;
};

const readNewest = async (
  management: Management,
  { role, account }: Scope,
  signal: AbortSignal,
): Promise<Newest> => {
  if (role === 'operator') return firstRows(management, 'calls.list', {}, MOST, signal);
  const { items, shows, read } = await readTreeCalls(management, account, {}, MOST, signal);
  return { items, ...(shows === 'some' ? { onlyOf: read } : {}) };
};

/**
 * The calls that were accepted last: of all accounts for an operator, else of an owner and its agents. The database counts denials by rule
 * and day, and has no list of them for more than one account: the page of denials shows the counts.
 */
export const NewestCalls = ({ scope }: { readonly scope: Scope }) => {
  const { role, account } = scope;
  const calls = useQuery(`newest ${role} ${account}`, (management, signal) =>
    readNewest(management, scope, signal),
  );
  const { items = [], onlyOf } = calls.data ?? {};
  return (
    <Section
      title="Newest accepted calls"
      note={
        onlyOf === undefined || items.length === 0
          ? undefined
          : `of the ${onlyOf} accounts that were active last`
      }
    >
      <Result query={calls} rows={MOST}>
        {() =>
          items.length === 0 ? (
            <Empty title="No calls yet.">
              <p>Call a tool as an agent, for example with the command line:</p>
              <CommandLine
                text={`npx countersign call TOOL_URL --max 0.01 --as ${keyName('agent')}`}
              />
            </Empty>
          ) : (
            <CallTable rows={items} />
          )
        }
      </Result>
      <p>
        <Link href="/calls">{role === 'operator' ? 'All calls' : 'More calls'}</Link>
        {' · '}
        <Link href="/denials">Denied calls</Link>
      </p>
    </Section>
  );
};
