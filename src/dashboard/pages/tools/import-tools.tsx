import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { Management } from '../../../client/management.ts';
import { draftOf } from '../../data/changes/draft.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { problemText } from '../../data/gateway/problem.ts';
import {
  type ImportDraft,
  type ImportFault,
  type ImportPlan,
  type ImportStep,
  planImport,
} from '../../data/tools/import-plan.ts';
import { putRequest } from '../../data/tools/tool-change.ts';
import { readCatalogue } from '../../data/tools/catalogue.ts';
import { counted } from '../../format/amount.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { ImportForm } from './import-form.tsx';
import { ImportPreview } from './import-preview.tsx';

const EMPTY: ImportDraft = {
  ...{ source: 'openapi', text: '', url: '', price: '0.01', settlement: 'deferred' },
  namespace: '',
};

/**
 * Imports the operations of an OpenAPI document, or the tools of an MCP server: reads them in the browser, shows the tools, then asks the
 * wallet.
 */
export const ImportTools = () => {
  const kept = draftOf<ImportDraft>('import of tools');
  const draft = kept.value ?? EMPTY;
  const [fault, setFault] = useState<ImportFault | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [plan, setPlan] = useState<ImportPlan | undefined>(undefined);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [made, setMade] = useState<readonly string[]>([]);
  const [isAsking, setAsking] = useState(false);

  const change = (next: ImportDraft): void => {
    kept.value = next;
    setPlan(undefined);
  };
  const preview = async (): Promise<void> => {
    const management = gateway.value;
    setFault(undefined);
    setProblem(undefined);
    setMade([]);
    if (management === undefined) return;
    try {
      const planned = await planImport(draft, await readCatalogue(management));
      if (planned.ok) setPlan(planned.value);
      else setFault(planned.error);
      setLeft(new Set());
    } catch (thrown) {
      setProblem(await problemText(thrown));
    }
  };
  const chosen = plan?.steps.filter(({ id }) => !left.has(id) && !made.includes(id)) ?? [];
  /** One signature for each tool. If a later one fails, the earlier tools stay stored. */
  const make = async (management: Management): Promise<void> => {
    for (const step of chosen) {
      await management.call('tools.put', putRequest(writeOf(step)));
      setMade((before) => [...before, step.id]);
    }
  };
  return (
    <Page title="Import tools">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void preview();
        }}
      >
        <ImportForm draft={draft} fault={fault} onChange={change} onFault={setFault} />
        {problem === undefined ? null : <Notice tone="bad">{problem}</Notice>}
        <div class="acts">
          <button type="submit" class={plan === undefined ? 'primary' : ''}>
            Preview
          </button>
          <Link href="/tools" class="button">
            All tools
          </Link>
        </div>
      </form>
      {plan === undefined ? null : (
        <Section title={made.length > 0 ? 'Imported' : 'Preview'}>
          <ImportPreview
            plan={plan}
            left={left}
            made={made}
            onChoose={(id, isChosen) => {
              const next = new Set(left);
              if (isChosen) next.delete(id);
              else next.add(id);
              setLeft(next);
            }}
          />
          {chosen.length === 0 ? null : (
            <div class="acts">
              <button type="button" class="primary" onClick={() => setAsking(true)}>
                Import {counted(chosen.length, 'tool')}
              </button>
            </div>
          )}
        </Section>
      )}
      {isAsking ? (
        <ActDialog
          title={`Import ${counted(chosen.length, 'tool')}?`}
          verb="Import"
          change={make}
          onDone={() => {
            kept.value = undefined;
            setAsking(false);
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            {chosen.length === 1
              ? 'The wallet asks once.'
              : `The wallet asks ${chosen.length} times, once for each tool. If you stop, the tools that you have signed stay.`}{' '}
            Agents can call each within 5 seconds of its signature.
          </p>
          {made.length === 0 ? null : (
            <p role="status">Imported: {counted(made.length, 'tool')}.</p>
          )}
        </ActDialog>
      ) : null}
    </Page>
  );
};

const writeOf = (step: ImportStep) => ({
  tool: step.tool,
  etag: step.kind === 'add' ? undefined : step.etag,
});
