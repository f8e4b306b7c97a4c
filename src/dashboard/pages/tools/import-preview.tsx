import { Link } from 'wouter-preact';
import type { ImportPlan, ImportStep } from '../../data/tools/import-plan.ts';
import { shown } from '../../format/text.ts';
import { Changes } from './changes.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Price } from '../../parts/price.tsx';
import { Table } from '../../parts/table.tsx';
import './import-preview.css';

const upstreamOf = ({ tool: { upstream } }: ImportStep): string => {
  if (typeof upstream === 'string') return upstream;
  return 'mcp' in upstream ? `${upstream.tool} at ${upstream.mcp}` : upstream.path;
};

/** Every tool that an import would add or change, for the person to choose, and the operations that it leaves out, with the reasons. */
export const ImportPreview = ({
  plan: { steps, same, skipped, notes },
  left,
  made,
  onChoose,
}: {
  readonly plan: ImportPlan;
  /** Ids that the person does not want. */
  readonly left: ReadonlySet<string>;
  /** Ids of tools that are already stored. */
  readonly made: readonly string[];
  readonly onChoose: (id: string, isChosen: boolean) => void;
}) => (
  <>
    {steps.length === 0 ? (
      <Notice tone="warn">
        {same === 0 ? 'There is nothing to import.' : `All ${same} tools are already up to date.`}
      </Notice>
    ) : (
      <Table<ImportStep>
        caption="Tools to import"
        rows={steps}
        keyOf={({ id }) => id}
        columns={[
          {
            head: 'Import',
            cell: ({ id }) =>
              made.includes(id) ? (
                'imported'
              ) : (
                <input
                  type="checkbox"
                  class="pick"
                  aria-label={`Import ${id}`}
                  checked={!left.has(id)}
                  onChange={(event) => onChoose(id, event.currentTarget.checked)}
                />
              ),
          },
          {
            head: 'Tool',
            cell: ({ id, tool }) =>
              made.includes(id) ? (
                <Link href={`/tools/id/${id}`}>{id}</Link>
              ) : (
                <span title={shown(tool.description)}>{id}</span>
              ),
          },
          {
            head: 'Effect',
            cell: (step) =>
              step.kind === 'add' ? (
                'new'
              ) : (
                <details>
                  <summary>changes {step.fields.map(({ name }) => name).join(', ')}</summary>
                  <Changes changes={step.fields} />
                </details>
              ),
          },
          {
            head: 'Gateway calls',
            drop: 1,
            cell: (step) => (
              <code class="long" title={shown(upstreamOf(step))}>
                {step.tool.method} {shown(upstreamOf(step))}
              </code>
            ),
          },
          { head: 'Price', isNumber: true, cell: ({ tool }) => <Price tool={tool} /> },
        ]}
      />
    )}
    {steps.length > 0 && same > 0 ? <p class="muted">Already up to date: {same}.</p> : null}
    {notes.length === 0 ? null : (
      <details>
        <summary>Notes: {notes.length}</summary>
        <ul class="remarks">
          {notes.map(({ tool, note }) => (
            <li key={`${tool} ${note}`}>
              <code>{shown(tool)}</code>: {shown(note)}
            </li>
          ))}
        </ul>
      </details>
    )}
    {skipped.length === 0 ? null : (
      <>
        <h3>Skipped</h3>
        <ul class="remarks">
          {skipped.map(({ name, why }) => (
            <li key={`${name} ${why}`}>
              <code>{shown(name)}</code>: {shown(why)}
            </li>
          ))}
        </ul>
      </>
    )}
  </>
);
