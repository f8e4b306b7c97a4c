import { useQuery } from '../../data/reading/query.ts';
import { readToolHistory, type ToolVersion } from '../../data/tools/tool-history.ts';
import type { CatalogueTool } from '../../data/tools/catalogue.ts';
import { Moment } from '../../parts/moment.tsx';
import { AccountLink } from '../../parts/account-link.tsx';
import { Changes } from './changes.tsx';
import { Id } from '../../parts/id.tsx';
import { Result } from '../../parts/result.tsx';
import { Table } from '../../parts/table.tsx';

/** Every version of a tool in the gateway's log: who signed it, when, and what it changed. */
export const ToolHistory = ({
  tool: { id, etag, source },
}: {
  readonly tool: Pick<CatalogueTool, 'id' | 'etag' | 'source'>;
}) => {
  const query = useQuery(`history of ${id} ${etag}`, (management, signal) =>
    readToolHistory(management, id, signal),
  );
  return (
    <Result query={query} rows={3}>
      {({ versions, isWhole }) =>
        versions.length === 0 ? (
          <p class="muted">
            {source === 'file'
              ? 'The tool is as it was deployed. No operator has changed it.'
              : 'A change appears here within 15 seconds.'}
          </p>
        ) : (
          <>
            <Table<ToolVersion>
              caption="Versions"
              rows={versions}
              keyOf={({ seq }) => String(seq)}
              columns={[
                { head: 'When', cell: ({ at }) => <Moment at={at} /> },
                {
                  head: 'Signed by',
                  drop: 1,
                  cell: ({ by }) => (by === undefined ? '–' : <AccountLink account={by} />),
                },
                {
                  head: 'Version',
                  drop: 2,
                  cell: ({ hash }) =>
                    hash === undefined ? '–' : <Id text={hash} label="the hash of the version" />,
                },
                { head: 'Change', cell: (version) => <Change version={version} /> },
              ]}
            />
            {isWhole ? null : (
              <p class="muted">The oldest changes are not shown. The audit log has all of them.</p>
            )}
          </>
        )
      }
    </Result>
  );
};

const Change = ({ version: { hash, changes } }: { readonly version: ToolVersion }) => {
  if (hash === undefined) return <>removed</>;
  if (changes.length === 0) return <>first version in the log</>;
  return (
    <details>
      <summary>{changes.map(({ name }) => name).join(', ')}</summary>
      <Changes changes={changes} />
    </details>
  );
};
