import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { PAGE_ROWS } from '../data/list.ts';
import { addressIn } from '../format/text.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { MoreRows } from '../parts/more-rows.tsx';
import { Result } from '../parts/result.tsx';
import { AgentHeads } from './agent-row.tsx';
import { Branch, childrenIn, useGrants } from './agent-tree.tsx';

const None = () => (
  <Empty title="No agents yet.">
    <p>Make one with the button above, or make several with the command line:</p>
    <CommandLine
      text={`npx countersign fleet new team --agents 3 --per-day 0.50 --as <your key> --gateway ${location.origin}`}
    />
  </Empty>
);

/** The agents of an owner, those below them indented. */
export const OwnAgents = ({ account }: { readonly account: string }) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  const [text, setText] = useState('');
  const query = useGrants(account, rows);
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Address
          <input
            type="search"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <Link class="button primary" href="/agents/new">
          Make an agent
        </Link>
        <Link class="button" href={`/agents/${account}`}>
          Your own credit and budget
        </Link>
      </form>
      <Result query={query} rows={6}>
        {({ items, isMore }) => {
          const children = childrenIn(items).filter((child) =>
            addressIn(child.account).includes(text.trim().toLowerCase()),
          );
          if (items.length === 0) return <None />;
          return (
            <>
              <div class="scroll" tabIndex={0} role="region" aria-label="Agents">
                <table>
                  <caption class="unseen">Agents</caption>
                  <thead>
                    <tr>
                      <AgentHeads />
                    </tr>
                  </thead>
                  <tbody>
                    {children.map((child) => (
                      <Branch key={child.account} child={child} role="owner" level={0} />
                    ))}
                  </tbody>
                </table>
              </div>
              {children.length === 0 ? (
                <p class="muted">No agent’s address contains this text.</p>
              ) : null}
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          );
        }}
      </Result>
    </>
  );
};
