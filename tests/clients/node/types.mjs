// Judges replies by the SDK's own types, compiled as literals: no key may be missing, none more, no text another word.
//
// Standard input: [{"type": "info.MetaResponse", "value": …}, …]; standard output: [{"type", "message"}, …].
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const FILE = fileURLToPath(new URL("./replies.ts", import.meta.url));
const MODULES = ["exchange", "info", "subscription"];
const OPTIONS = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, lib: ["lib.es2023.d.ts", "lib.dom.d.ts"], types: [] };

const replies = JSON.parse(readFileSync(0, "utf8"));
const lines = MODULES.map((name) => `import type * as ${name} from "@nktkas/hyperliquid/api/${name}";`);
lines.push(...replies.map(({ type, value }, i) => `export const reply${i}: ${type} = ${JSON.stringify(value)};`));

const host = ts.createCompilerHost(OPTIONS);
const { fileExists, getSourceFile } = host;
host.fileExists = (name) => name === FILE || fileExists(name);
host.getSourceFile = (name, language) =>
  name === FILE ? ts.createSourceFile(name, lines.join("\n"), language, true) : getSourceFile(name, language);

const program = ts.createProgram([FILE], OPTIONS, host);
const faults = ts.getPreEmitDiagnostics(program).map((found) => {
  const line = found.file?.fileName === FILE ? found.file.getLineAndCharacterOfPosition(found.start).line : -1;
  const message = ts.flattenDiagnosticMessageText(found.messageText, " ");
  return { type: replies[line - MODULES.length]?.type ?? "", message };
});
process.stdout.write(JSON.stringify(faults));
