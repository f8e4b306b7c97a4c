/** Target languages. */
export const LANGUAGES = ['fr', 'de', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

export type Translation = {
  readonly text: string;
  readonly to: Language;
  /** Words that the table lacks; they stay in English. */
  readonly unknown: readonly string[];
};

/** Lines of English, French, German, Spanish. */
const TABLE = `
a|un|ein|un
agent|agent|Agent|agente
all|tous|alle|todos
and|et|und|y
answer|réponse|Antwort|respuesta
bank|banque|Bank|banco
big|grand|groß|grande
black|noir|schwarz|negro
blue|bleu|blau|azul
book|livre|Buch|libro
bread|pain|Brot|pan
cat|chat|Katze|gato
child|enfant|Kind|niño
city|ville|Stadt|ciudad
cold|froid|kalt|frío
day|jour|Tag|día
dog|chien|Hund|perro
door|porte|Tür|puerta
earth|terre|Erde|tierra
evening|soir|Abend|tarde
eye|œil|Auge|ojo
fire|feu|Feuer|fuego
fish|poisson|Fisch|pez
friend|ami|Freund|amigo
good|bon|gut|bueno
goodbye|au revoir|auf Wiedersehen|adiós
green|vert|grün|verde
hand|main|Hand|mano
hello|bonjour|hallo|hola
here|ici|hier|aquí
house|maison|Haus|casa
i|je|ich|yo
in|dans|in|en
is|est|ist|es
key|clé|Schlüssel|llave
language|langue|Sprache|lengua
light|lumière|Licht|luz
love|amour|Liebe|amor
milk|lait|Milch|leche
money|argent|Geld|dinero
moon|lune|Mond|luna
morning|matin|Morgen|mañana
my|mon|mein|mi
name|nom|Name|nombre
new|nouveau|neu|nuevo
night|nuit|Nacht|noche
no|non|nein|no
not|pas|nicht|no
now|maintenant|jetzt|ahora
of|de|von|de
old|vieux|alt|viejo
one|un|eins|uno
open|ouvert|offen|abierto
or|ou|oder|o
paper|papier|Papier|papel
peace|paix|Frieden|paz
please|s'il vous plaît|bitte|por favor
price|prix|Preis|precio
question|question|Frage|pregunta
red|rouge|rot|rojo
river|rivière|Fluss|río
sea|mer|Meer|mar
small|petit|klein|pequeño
sun|soleil|Sonne|sol
thanks|merci|danke|gracias
the|le|der|el
three|trois|drei|tres
time|temps|Zeit|tiempo
tool|outil|Werkzeug|herramienta
tree|arbre|Baum|árbol
two|deux|zwei|dos
water|eau|Wasser|agua
we|nous|wir|nosotros
white|blanc|weiß|blanco
wind|vent|Wind|viento
with|avec|mit|con
woman|femme|Frau|mujer
word|mot|Wort|palabra
work|travail|Arbeit|trabajo
world|monde|Welt|mundo
yes|oui|ja|sí
you|vous|du|tú`;

const words: ReadonlyMap<string, readonly string[]> = new Map(
  TABLE.trim()
    .split('\n')
    .map((line) => {
      const [english = '', ...others] = line.split('|');
      return [english, others];
    }),
);

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Translates English word by word. Keeps spacing, punctuation and initial capitals. */
export const translate = (text: string, to: Language): Translation => {
  const column = LANGUAGES.indexOf(to);
  const unknown: string[] = [];
  const translated = text.replaceAll(/\p{L}+/gu, (word) => {
    const other = words.get(word.toLowerCase())?.[column];
    if (other === undefined) {
      unknown.push(word);
      return word;
    }
    return /^\p{Lu}/u.test(word) && word !== 'I' ? capitalised(other) : other;
  });
  return { text: translated, to, unknown };
};
