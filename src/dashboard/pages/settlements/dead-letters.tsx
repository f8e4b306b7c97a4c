import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { ItemOf } from '../../../client/management.ts';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { shown } from '../../format/text.ts';
import { agoOf, exactMomentOf, momentOf } from '../../format/time.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';

type Letter = ItemOf<'deadletters.list'>;

/** Messages that no consumer could process. An operator sends one again after its cause is fixed. */
export const DeadLetters = () => {
  const [chosen, setChosen] = useState<Letter | undefined>(undefined);
  const query = useQuery('dead letters', (management, signal) =>
    firstRows(management, 'deadletters.list', {}, PAGE_ROWS, signal),
  );
  const now = gatewayNow();
  return (
    <Result query={query} rows={1}>
      {({ items }) => (
        <>
          {items.length === 0 ? (
            <p class="muted">The gateway has processed every message.</p>
          ) : (
            <Table<Letter>
              caption="Messages that could not be processed"
              rows={items}
              keyOf={({ id }) => id}
              columns={[
                {
                  head: 'When',
                  cell: ({ at }) => <time title={exactMomentOf(at)}>{agoOf(at, now)}</time>,
                },
                { head: 'Reason', cell: ({ reason }) => shown(reason) },
                { head: 'Queue', drop: 1, cell: ({ queue }) => shown(queue) },
                {
                  head: 'Call',
                  drop: 1,
                  cell: ({ account, call }) =>
                    account === undefined || call === undefined ? (
                      '–'
                    ) : (
                      <Link href={`/calls/${account}/${call}`}>Open the call</Link>
                    ),
                },
                {
                  head: 'Sent again',
                  drop: 2,
                  cell: ({ redriven_at: at }) => (at === undefined ? '–' : momentOf(at)),
                },
                {
                  head: 'Change',
                  cell: (letter) => (
                    <button type="button" onClick={() => setChosen(letter)}>
                      Send again
                    </button>
                  ),
                },
              ]}
            />
          )}
          {chosen === undefined ? null : (
            <ActDialog
              title="Send this message again?"
              verb="Send again"
              change={(management) =>
                management.call('deadletters.redrive', { params: { letter: chosen.id } })
              }
              onDone={query.refresh}
              onClose={() => setChosen(undefined)}
            >
              <p>
                The gateway processes it once more. If the cause still exists, the message comes
                back here: {shown(chosen.reason)}.
              </p>
            </ActDialog>
          )}
        </>
      )}
    </Result>
  );
};
