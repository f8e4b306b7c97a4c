import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AccountFilter, AccountPage } from '../../data/accounts/account-page.ts';
import { useAccounts } from '../../data/accounts/use-accounts.ts';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import { Failed } from '../../parts/notice.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { RowBlock } from './row-block.tsx';
import { Scroll } from '../../parts/scroll.tsx';
import { AGENT_COLUMNS, AgentHeads, AgentRow } from './agent-row.tsx';

/** Skips rows whose object is the same as before: a long list renders again with each page that it gets. */
const Rows = ({ items }: Pick<AccountPage, 'items'>) =>
  useMemo(
    () => (
      <>
        {items.map(({ account, label, status }) => (
          <AgentRow key={account} account={account} label={label} status={status} role="operator" />
        ))}
      </>
    ),
    [items],
  );

/** The page after a cursor, read again while it is near the screen. `known`: its last result. */
const NextPage = ({
  filter,
  after,
  known,
  onRead,
}: {
  readonly filter: AccountFilter;
  readonly after: string;
  readonly known: AccountPage | undefined;
  readonly onRead: (page: AccountPage) => void;
}) => {
  const { data = known, problem, refresh } = useAccounts(filter, after);
  useEffect(() => {
    if (data !== undefined && data !== known) onRead(data);
  }, [data]);
  if (data !== undefined) return <Rows items={data.items} />;
  return (
    <tr>
      <td colSpan={AGENT_COLUMNS} class="muted">
        {problem === undefined ? 'Reading…' : <Failed problem={problem} refresh={refresh} />}
      </td>
    </tr>
  );
};

/** A list of accounts that grows by a page at a time. Each page begins where the one before now ends, so that no account is missing. */
export const AccountTable = ({
  filter,
  first,
}: {
  readonly filter: AccountFilter;
  readonly first: AccountPage;
}) => {
  /** The number of further requested pages, and the pages that were read. */
  const [asked, setAsked] = useState(0);
  const [pages, setPages] = useState<readonly AccountPage[]>([]);
  const ends = [first, ...pages].map(({ next }) => next);
  const afters = ends.slice(0, asked).filter((next) => next !== undefined);
  const isMore = pages.length < afters.length || ends[asked] !== undefined;
  return (
    <>
      <Scroll label="Accounts">
        <table>
          <caption class="unseen">Accounts</caption>
          <thead>
            <tr>
              <AgentHeads />
            </tr>
          </thead>
          <RowBlock columns={AGENT_COLUMNS}>
            <Rows items={first.items} />
          </RowBlock>
          {afters.map((after, at) => (
            <RowBlock key={at} columns={AGENT_COLUMNS}>
              <NextPage
                filter={filter}
                after={after}
                known={pages[at]}
                onRead={(page) =>
                  setPages((known) => [...known.slice(0, at), page, ...known.slice(at + 1)])
                }
              />
            </RowBlock>
          ))}
        </table>
      </Scroll>
      <MoreRows
        isMore={isMore}
        rows={(asked + 1) * PAGE_ROWS}
        onMore={() => setAsked(afters.length + 1)}
      />
    </>
  );
};
