import { isObject } from '../core/json-object.ts';
import type { Catalogue } from '../catalog/catalogue.ts';
import type { Tool } from '../catalog/tool.ts';
import { createToolIndex, type Found, type IndexView, type ToolIndex } from './tool-index.ts';
import { publicTools, type View, type VisibleTools } from './visible-tools.ts';

/** The index of one version of the catalogue, and the view of each group of callers. */
type Searchable = { readonly index: ToolIndex; readonly views: WeakMap<VisibleTools, IndexView> };

const built = new WeakMap<Catalogue, Searchable>();

/** Searches the tools that a caller sees. The isolate indexes a version of the catalogue with its first search. */
export const searchTools = ({ catalogue, tools }: View, query: string, limit: number): Found => {
  const { index, views } = searchableOf(catalogue);
  let view = views.get(tools);
  if (view === undefined) views.set(tools, (view = index.view(tools.keys())));
  return index.search(query, view, limit);
};

const searchableOf = (catalogue: Catalogue): Searchable => {
  const known = built.get(catalogue);
  if (known !== undefined) return known;
  const index = createToolIndex([...publicTools(catalogue).values()].map(searched));
  const made: Searchable = { index, views: new WeakMap() };
  built.set(catalogue, made);
  return made;
};

const searched = ({ id, description, inputSchema }: Tool) => ({
  id,
  name: id,
  text: `${description} ${argumentsText(inputSchema)}`,
});

/** The names and descriptions of a tool's arguments. */
const argumentsText = ({ properties }: Tool['inputSchema']): string =>
  isObject(properties)
    ? Object.entries(properties)
        .map(([name, property]) => {
          const described = isObject(property) ? property['description'] : undefined;
          return typeof described === 'string' ? `${name} ${described}` : name;
        })
        .join(' ')
    : '';
