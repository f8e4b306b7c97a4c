import type { ImportDraft, ImportFault } from '../../data/tools/import-plan.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Field } from '../../parts/field.tsx';
import { TextField } from '../../parts/text-field.tsx';
import { SettlementField } from './settlement-field.tsx';
import './tool-form.css';

/** The largest file that is read, in bytes: as much as the command reads. */
const MAX_FILE = 16 * 1024 * 1024;

const TEXTS = {
  openapi: {
    text: 'OpenAPI document',
    hint: 'Version 3.0 or 3.1, JSON or YAML. Choose a file, or paste it here.',
    url: 'Upstream (optional)',
    urlHint: 'Replaces the server that the document names, e.g. https://api.example/v1',
  },
  mcp: {
    text: 'Tool list of the server (JSON)',
    hint: 'The server’s answer to tools/list. Choose a file, or paste it here.',
    url: 'Endpoint of the MCP server',
    urlHint: 'The gateway calls it, e.g. https://mcp.example/mcp. This page does not.',
  },
} as const;

/** The document to import, and the terms of its tools. */
export const ImportForm = ({
  draft,
  fault,
  onChange,
  onFault,
}: {
  readonly draft: ImportDraft;
  readonly fault: ImportFault | undefined;
  readonly onChange: (draft: ImportDraft) => void;
  readonly onFault: (fault: ImportFault) => void;
}) => {
  const words = TEXTS[draft.source];
  const errorOf = (field: keyof ImportDraft): string | undefined =>
    fault?.field === field ? `It ${fault.reason}.` : undefined;
  const line = (name: 'url' | 'price' | 'namespace', label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      error={errorOf(name)}
      value={draft[name]}
      onValue={(value) => onChange({ ...draft, [name]: value })}
    />
  );
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    if (file.size > MAX_FILE) onFault({ field: 'text', reason: 'is larger than 16 MiB' });
    else onChange({ ...draft, text: await file.text() });
  };
  return (
    <div class="tool-form">
      <div class="tabs" role="group" aria-label="What to import">
        {(['openapi', 'mcp'] as const).map((source) => (
          <button
            key={source}
            type="button"
            aria-pressed={source === draft.source}
            onClick={() => onChange({ ...draft, source })}
          >
            {source === 'openapi' ? 'OpenAPI document' : 'MCP server'}
          </button>
        ))}
      </div>
      {draft.source === 'openapi' ? null : (
        <p class="muted">
          This page contacts no other server. Paste the tool list of the server, or let this command
          fetch it:{' '}
          <CommandLine
            text={`npx countersign tools import-mcp ${draft.url === '' ? 'https://mcp.example/mcp' : draft.url} --price ${draft.price} --gateway ${location.origin}`}
          />
        </p>
      )}
      <Field
        label="File"
        control={(described) => (
          <input
            {...described}
            type="file"
            accept=".json,.yaml,.yml"
            onChange={(event) => void choose(event.currentTarget.files?.[0])}
          />
        )}
      />
      <Field
        label={words.text}
        hint={words.hint}
        error={errorOf('text')}
        control={(described) => (
          <textarea
            {...described}
            rows={8}
            value={draft.text}
            spellcheck={false}
            onInput={(event) => onChange({ ...draft, text: event.currentTarget.value })}
          />
        )}
      />
      {line('url', words.url, words.urlHint)}
      <div class="pair">
        {line(
          'price',
          'Price of a call, in dollars',
          'The same for every tool. You can change each one later.',
        )}
        <SettlementField
          modes={['deferred', 'upfront', 'credit']}
          value={draft.settlement}
          onChange={(settlement) => onChange({ ...draft, settlement })}
        />
      </div>
      {line(
        'namespace',
        'Prefix of each id (optional)',
        'Groups the tools of one source, e.g. pets',
      )}
    </div>
  );
};
