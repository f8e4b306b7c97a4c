import { keyName } from '../../data/gateway/local-stack.ts';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { PAGE_ROWS } from '../../data/reading/list.ts';
import { addressIn } from '../../format/text.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Empty } from '../../parts/empty.tsx';
import { MoreRows } from '../../parts/more-rows.tsx';
import { Result } from '../../parts/result.tsx';
import { blocksOf, RowBlock } from './row-block.tsx';
import { Scroll } from '../../parts/scroll.tsx';
import { AGENT_COLUMNS, AgentHeads } from './agent-row.tsx';
import { Branch, childrenIn, useGrants } from './agent-tree.tsx';

const None = () => (
  <Empty title="No agents yet.">
    <p>Make one with the button above, or make several with the command line:</p>
    <CommandLine
      text={`npx countersign fleet new team --agents 3 --per-day 0.50 --as ${keyName('owner')} --gateway ${location.origin}`}
    />
  </Empty>
);

/** The agents of an owner, with their children indented. */
export const OwnAgents = ({ account }: { readonly account: string }) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  const [text, setText] = useState('');
  const query = useGrants(account, rows);
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Name or address
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
          My credit and budget
        </Link>
      </form>
      <Result query={query} rows={6} unknown={<None />}>
        {({ items, isMore }) => {
          const wanted = text.trim().toLowerCase();
          const children = childrenIn(items).filter(({ account: agent, label = '' }) =>
            [addressIn(agent), label.toLowerCase()].some((name) => name.includes(wanted)),
          );
          if (items.length === 0) return <None />;
          return (
            <>
              <Scroll label="Agents">
                <table>
                  <caption class="unseen">Agents</caption>
                  <thead>
                    <tr>
                      <AgentHeads />
                    </tr>
                  </thead>
                  {blocksOf(children).map((block, at) => (
                    <RowBlock key={at} columns={AGENT_COLUMNS}>
                      {block.map((child) => (
                        <Branch key={child.account} child={child} role="owner" level={0} />
                      ))}
                    </RowBlock>
                  ))}
                </table>
              </Scroll>
              {children.length === 0 ? (
                <p class="muted">No agent’s name or address contains this text.</p>
              ) : null}
              <MoreRows isMore={isMore} rows={rows} onMore={setRows} />
            </>
          );
        }}
      </Result>
    </>
  );
};
