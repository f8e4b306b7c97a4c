import type { CallStory } from '../../data/calls/call-story.ts';
import { attemptError } from '../../format/attempt-error.ts';
import { shown } from '../../format/text.ts';
import { exactMomentOf, momentToSecond } from '../../format/time.ts';
import { Table } from '../../parts/table.tsx';
import './attempt-table.css';

type Attempt = CallStory['attempts'][number];

const TITLE = 'Attempts to settle this payment';

/** The newest failed attempts to settle a payment. */
export const AttemptTable = ({ attempts }: Pick<CallStory, 'attempts'>) => (
  <div class="attempts">
    <h3>{TITLE}</h3>
    <Table<Attempt>
      caption={TITLE}
      rows={attempts}
      keyOf={({ attempt }) => attempt.toString()}
      columns={[
        {
          head: 'When',
          cell: ({ at }) => <time title={exactMomentOf(at)}>{momentToSecond(at)}</time>,
        },
        { head: 'Attempt', isNumber: true, drop: 2, cell: ({ attempt }) => attempt },
        {
          head: 'Backend',
          isName: true,
          cell: ({ backend }) => (backend === undefined ? '–' : shown(backend)),
        },
        {
          head: 'Result',
          cell: ({ error }) => (error === undefined ? 'not settled yet' : attemptError(error)),
        },
      ]}
    />
  </div>
);
