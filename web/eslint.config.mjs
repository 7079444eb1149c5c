import next from "@next/eslint-plugin-next";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: [".next/**", "node_modules/**", "next-env.d.ts", "lib/api/schema.d.ts"] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    plugins: { "@next/next": next },
    rules: {
      ...next.configs.recommended.rules,
      ...next.configs["core-web-vitals"].rules,
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      // lib/api is the only place that talks to the network; everything else asks it.
      "no-restricted-globals": ["error", { name: "fetch", message: "Use lib/api." }],
    },
  },
  { files: ["lib/api/**", "tests/**"], rules: { "no-restricted-globals": "off" } },
);
