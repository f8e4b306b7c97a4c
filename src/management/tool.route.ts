import { documentOf } from './fields.ts';

/** A tool as in `tools.json` (README, "Tools"). One that is disabled answers as one that is not there. */
export type ToolDocument = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly description: string;
  readonly mimeType?: string | undefined;
  /** `"$0.02"` or `"20000u"`, or the most that a tool may charge. */
  readonly price: string | { readonly max: string };
  readonly settlement: 'deferred' | 'upfront' | 'credit' | 'free';
  readonly upstream: string;
  readonly timeoutSeconds?: number | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly requestHeaders?: readonly string[] | undefined;
  readonly onSilence?: 'release' | 'keep' | undefined;
  readonly requireBinding?: 'none' | 'intent' | undefined;
  readonly params?:
    | Readonly<Record<string, { readonly pointer: string } | { readonly query: string }>>
    | undefined;
  readonly disabled?: boolean | undefined;
};

/** Read by the catalogue, which knows what the other tools leave room for. */
export const toolBody = documentOf<ToolDocument>('must be a tool, a JSON object as in tools.json');
