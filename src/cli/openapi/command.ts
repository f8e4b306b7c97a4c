import { reachOf } from '../lib/catalogue.ts';
import type { Command } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, textFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { neededSecrets, putText } from '../lib/needed-secrets.ts';
import { counted } from '../lib/text.ts';
import { applyImport } from '../tool-import/apply.ts';
import { fileReach, openTarget } from '../tool-import/target.ts';
import { IMPORT_OPTIONS, importTerms } from '../tool-import/terms.ts';
import type { OpenApiImport } from '../../tool-import/openapi/import.ts';

export const importOpenApi: Command = {
  summary: 'sell the operations of an OpenAPI document',
  arguments: [{ syntax: '<document>', summary: 'OpenAPI 3.0 or 3.1, YAML or JSON; - for stdin' }],
  options: [
    { flags: '--upstream <url>', summary: "replaces the document's server" },
    ...IMPORT_OPTIONS,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tools import openapi.yaml --price 0.01',
    'countersign tools import openapi.yaml --price-for "GET *=0.01" --only "GET *"',
    'countersign tools import openapi.yaml --prices prices.json --file tools.json',
  ],
  run: async (session, input) => {
    const target = await openTarget(session, input);
    const imported = await readImport(session, input, target.gateway);
    const { mergedTools } = await import('../../tool-import/openapi/merge.ts');
    const present = target.present.map(({ tool }) => tool);
    const { tools, conflicts } = mergedTools(present, imported.tools);
    const skipped = [...imported.skipped, ...conflicts];
    const notes = imported.tools.flatMap(({ tool, notes: all }) =>
      all.map((note) => ({ tool: tool.id, note })),
    );
    await applyImport(session, input, target, {
      tools,
      remarks: [
        ...notes.map(({ tool, note }) => ({ mark: 'note', text: `${tool}: ${note}` })),
        ...skipped.map(({ operation, why }) => ({ mark: 'skip', text: `${operation}: ${why}` })),
        ...neededSecrets(tools, '').map((each) => ({
          mark: 'next',
          text: `store the secret ${each.name}, which ${counted(each.tools.length, 'tool')} will send: ${putText(each)}`,
        })),
      ],
      report: { tools: tools.map(({ id }) => id), skipped, notes },
      sold: tools.length,
      none: 'No operation of the document can be sold.',
    });
  },
};

/** Reads document and options. Code that only this command needs, e.g. the YAML parser, loads here. */
const readImport = async (
  session: Session,
  input: Input,
  gateway: string | undefined,
): Promise<OpenApiImport> => {
  const [{ MAX_OPENAPI, readOpenApi }, { importDocument }] = await Promise.all([
    import('../../tool-import/openapi/document.ts'),
    import('../../tool-import/openapi/import.ts'),
  ]);
  const terms = await importTerms(session, input);
  const path = input.arguments[0] ?? '';
  const document = readOpenApi(await textFile(session, path, MAX_OPENAPI));
  const name = path === '-' ? 'Standard input' : path;
  if (!document.ok) {
    throw usageError(`${name} ${document.error}.`, 'Give an OpenAPI 3.0 or 3.1 document.');
  }
  const upstream = input.text('upstream');
  const imported = importDocument(document.value, {
    ...terms,
    upstream,
    reach: gateway === undefined ? fileReach(upstream) : reachOf(gateway),
  });
  if (imported.ok) return imported.value;
  throw usageError(
    `${name} ${imported.error}.`,
    'Correct the document or the options: `countersign tools import --help`. The command changed nothing.',
  );
};
