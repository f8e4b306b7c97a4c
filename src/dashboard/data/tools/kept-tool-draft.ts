import type { Signal } from '@preact/signals';
import { draftOf } from '../changes/draft.ts';
import type { StoredTool } from './tool-change.ts';
import type { ToolDraft } from './tool-draft.ts';

/** A tool that a person has begun to edit, and the version at that time; undefined for a new tool. */
type KeptToolDraft = { readonly draft: ToolDraft; readonly before: StoredTool | undefined };

/** The draft of a tool by its id, or that of a new tool. */
export const keptToolDraft = (id: string | undefined): Signal<KeptToolDraft | undefined> =>
  draftOf<KeptToolDraft>(id === undefined ? 'new tool' : `tool ${id}`);
