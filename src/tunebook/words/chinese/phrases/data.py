"""Messages about data and metrics, in Chinese, by English template."""

from __future__ import annotations

__all__ = ["DATA"]

DATA = {
    "metric pass@1: code runs with limits that Windows does not have. Use Linux, or WSL.": (
        "metric pass@1：运行代码时的限制在 Windows 上没有。请使用 Linux 或 WSL。"
    ),
    (
        "{place}: no tests; metric pass@1 runs the tests of each row. Name their column, for example data: "
        '{{tests: "{{test}}"}}.'
    ): ('{place}: 没有测试；评价指标 pass@1 运行每一条的测试。请写出测试的列名，例如 data: {{tests: "{{test}}"}}。'),
    (
        "{place}: completion: the gold answer fails its own tests ({why}); pass@1 counts answers that pass them. {step}"
    ): ("{place}: completion: 标准答案没有通过自己的测试（{why}）；pass@1 统计通过测试的答案。{step}"),
    "Correct the row, or the template of data.tests.": "请改正这一条，或 data.tests 的模板。",
    "It passes without the prompt before it: write metric: {name: pass@1, with_prompt: false}.": (
        "前面不加提示就能通过：请写 metric: {name: pass@1, with_prompt: false}。"
    ),
    "It passes with the prompt before it: write metric: {name: pass@1, with_prompt: true}.": (
        "前面加上提示就能通过：请写 metric: {name: pass@1, with_prompt: true}。"
    ),
    ("{place}: completion: found {gold}; metric {name} needs {rule} in every gold answer. Correct the row{advice}."): (
        "{place}: completion: 现为 {gold}；评价指标 {name} 要求每个标准答案都是{rule}。请改正这一条{advice}。"
    ),
    "must be a list of turns": "必须是对话轮次的列表",
    "Write the turns, or remove the row.": "请写出各轮，或删除这一条。",
    "a turn has {role} and {text}": "每一轮都有 {role} 和 {text}",
    "must be a list of pairs [question, answer]": "必须是 [问题, 答案] 的列表",
    "Write it so.": "请按此书写。",
    "must be a text": "必须是文本",
    "a part of type {kind}": "类型为 {kind} 的部分",
    "only texts are trained, no images, sounds or files": "只训练文本，不训练图像、声音或文件",
    "Remove the part or the row.": "请删除这一部分，或删除这一条。",
    "Write a text, or remove the row.": "请写成文本，或删除这一条。",
    "no turn of the assistant": "没有助手的轮次",
    "the last one is the answer to learn": "最后一轮是要学习的答案",
    "Add it, or remove the row.": "请补上，或删除这一条。",
    "weight 0 in every turn of the assistant": "助手各轮的权重都是 0",
    "the last one of another weight is the answer to learn": "最后一个权重不为 0 的轮次是要学习的答案",
    "Give one the weight 1, or remove the row.": "请给其中一轮权重 1，或删除这一条。",
    "must be a list of tools or its JSON text": "必须是工具的列表或其 JSON 文本",
    "must be a pair [question, answer]": "必须是一对 [问题, 答案]",
    "Write both texts.": "请写出两个文本。",
    "every row has {name}": "每一条都有 {name}",
    "Write it as an object.": "请写成对象。",
    "Rename the role, or remove the row.": "请改角色名，或删除这一条。",
    "a turn has {key}": "每一轮都有 {key}",
    "Correct the JSON.": "请改正 JSON。",
    (
        "{data}: found no file train{suffixes} in this folder, but {files}; that is how a training file is found. Give "
        "the file to train on itself."
    ): ("{data}: 这个文件夹里没有 train{suffixes}，只有 {files}；训练文件是按这个名字找的。请直接给出用来训练的文件。"),
    (
        "{source}: a path with control or invisible characters, which no study file can name. Rename the file or "
        "the folder."
    ): ("{source}: 路径里有控制字符或不可见字符，研究文件无法写出。请改文件名或文件夹名。"),
    "must hold at least two options": "必须至少有两个选项",
    "Write them, or remove the row.": "请写出来，或删除这一条。",
    "Correct it, or remove the row.": "请改正，或删除这一条。",
    "must be one of {names}, the number of an option from {first} to {last}, or its text": (
        "必须是 {names} 之一、选项的编号（{first} 至 {last}）或选项的文本"
    ),
    (
        "messages (turns of role and content), or conversations (turns of from and value), or instruction and "
        "output, or a question with choices and its key, or a pair such as {pairs}"
    ): (
        "messages（由 role 和 content 组成的轮次），或 conversations（由 from 和 value 组成的轮次），或 "
        "instruction 与 output，或带选项和答案的问题，或一对列，例如 {pairs}"
    ),
    "{where}: found {keys_of}; a row has {forms}. {advice}": "{where}: 现有{keys_of}；每一条要有 {forms}。{advice}",
    "{folder}: found {first} and {last}, parts of several sets by their names. Give one of them, or a pattern.": (
        "{folder}: 有 {first} 和 {last}，从名字看属于不同的数据集。请给出其中一个文件，或一个模式。"
    ),
    "Say which columns are which, for example {line}.": "请说明各列的含义，例如 {line}。",
    "data: {{prompt: {prompt}, completion: {completion}}}": "data: {{prompt: {prompt}, completion: {completion}}}",
    (
        "{where}: {column} would not be used, and it may belong to the question or be the answer. Say which columns "
        "are which: {likely}, or without it {other}. `tunebook init` takes the same as --prompt and --completion."
    ): (
        "{where}: {column} 不会被用到，而它可能是问题的一部分，或者就是答案。请说明各列的含义：{likely}，不用它则写 "
        "{other}。`tunebook init` 也接受 --prompt 和 --completion。"
    ),
    (
        "{where}: {first} and {second} are two languages, and either may be translated into the other. Say which: "
        "{likely}, or the other way round {other}. `tunebook init` takes the same as --prompt and --completion."
    ): (
        "{where}: {first} 和 {second} 是两种语言，翻译方向两种都可能。请说明是哪一种：{likely}，反过来则写 {other}。"
        "`tunebook init` 也接受 --prompt 和 --completion。"
    ),
    "--prompt and --completion: found one of them; give both, or none.": (
        "--prompt 和 --completion：只给了一个；请两个都给，或都不给。"
    ),
    "{option}: found {problem}; columns stand in braces, as in {{text}}. Correct it.": (
        "{option}: 现为 {problem}；列名写在花括号里，例如 {{text}}。请改正。"
    ),
    "data.group names a field that every row has": "data.group 指的是每一条都有的字段",
    "Write it in every row.": "请在每一条里写上它。",
    "{where}: found {keys_of}; {kind}": "{where}: 现有{keys_of}；{kind}",
    (
        "chosen and rejected are preference data (DPO), and tunebook tunes on one answer a prompt. To train on the "
        "chosen answers {how}."
    ): "chosen 和 rejected 是偏好数据（DPO），而 tunebook 为每个提示学习一个答案。若要学习 chosen 的答案：{how}。",
    "write data: {columns: {messages: chosen}}": "请写 data: {columns: {messages: chosen}}",
    "no data file": "没有数据文件",
    "rename chosen to text and remove rejected": "请把 chosen 改名为 text，并删除 rejected",
    "write {line}": "请写 {line}",
    (
        "an answer with a label that says whether it is right or wrong is preference data (KTO), and tunebook tunes "
        "on one right answer a prompt. Keep the rows whose label is true, and remove the column."
    ): (
        "带有对错标签的答案是偏好数据（KTO），而 tunebook 按每个提示一个正确答案来微调。请只保留标签为 true 的样本，并"
        "删除这一列。"
    ),
    "input_ids are tokens of some other model, and tunebook makes its own from texts. Give the texts.": (
        "input_ids 是别的模型的 token，tunebook 会从文本自行分词。请给出文本。"
    ),
    (
        "these are trees of answers with one message a row, and tunebook reads a whole chat in a row. Write each path "
        "of a tree as messages (turns of role and content)."
    ): (
        "这是每条一个消息的对话树，而 tunebook 每条读取一整段对话。请把树的每条路径写成 messages（由 role 和 content "
        "组成的轮次）。"
    ),
    (
        "a tag for each token is no answer in words. Write the text as the prompt, and what is to be found in it as "
        'the answer, for example {{"person": ["Ann"]}}.'
    ): (
        "给每个 token 一个标签不是文字的答案。请把文本写成提示，把要从中找出的内容写成答案，例如 "
        '{{"person": ["Ann"]}}。'
    ),
    (
        "several labels in a row have no answer of their own. Write them as one text, and say which columns are which "
        "with data.prompt and data.completion."
    ): ("一条里有多个标签，没有单独的答案。请把它们写成一个文本，并用 data.prompt 和 data.completion 说明各列的含义。"),
    (
        "whole texts are pretraining data, in which no answer can be scored. Give the question and the answer "
        "columns of their own."
    ): "整段文本是预训练数据，其中没有可以评分的答案。请把问题和答案分成两列。",
    "a row has a question, its choices and a key": "每一条要有问题、选项和答案",
    "Add what is absent.": "请补上缺少的部分。",
    "an empty text": "空文本",
    "every row has an answer to learn or to compare with": "每一条都有要学习或比较的答案",
    "Write the answer, or remove the row.": "请写出答案，或删除这一条。",
    "an empty prompt": "空的提示",
    "every row asks something": "每一条都有提问",
    "Write it, or remove the row.": "请写出来，或删除这一条。",
    "Correct data.names or the row; a row without a label is removed.": (
        "请改正 data.names 或这一条；没有标签的样本请删除。"
    ),
    "must be the number of one of the {n} names, from 0 ({first}) to {end} ({last})": (
        "必须是 {n} 个名称之一的编号，从 0（{first}）到 {end}（{last}）"
    ),
    "the keys {keys}": "键 {keys}",
    "must be a text or a number": "必须是文本或数字",
    "must be a text or what JSON can hold": "必须是文本或 JSON 能表示的值",
    "{text}: {key}: found {found}; {expected}. {step}": "{text}: {key}: 现为{found}；{expected}。{step}",
    "no keys": "空对象",
    "an empty list": "空列表",
    "every row has an answer": "每一条都有答案",
    "Rename one of them to {key}, or add it.": "请把其中一个改名为 {key}，或补上它。",
    "no such key, but {keys}": "没有这个键，只有{keys}",
    "texts are whole Unicode characters": "文本由完整的 Unicode 字符组成",
    "Write the character whole, or remove it.": "请写出完整的字符，或删除它。",
    "half a character (U+{code:04X}) at position {at}": "第 {at} 个字符处有半个字符（U+{code:04X}）",
    (
        "{source}: a folder in which no parts of one data set are found ({endings}). Give the file in it, or a pattern "
        "such as {source}/*.jsonl."
    ): "{source}: 这个文件夹里没有同一数据集的分片（{endings}）。请给出其中的文件，或通配路径，如 {source}/*.jsonl。",
    (
        "{source}: found {first} and {second}; the parts of one data set have one format. Let the pattern end in it, "
        "for example *.jsonl."
    ): "{source}: 既有 {first}，又有 {second}；同一数据集的分片格式要一致。请让通配路径以该格式结尾，例如 *.jsonl。",
    (
        "{folder}: found {first} and {last}, which no one pattern of names takes in without other files. Give the "
        "parts of a split a folder of their own, in one format."
    ): "{folder}: 现有 {first} 和 {last}，无法用一个通配路径单独选出。请把它们放进单独的文件夹，格式一致。",
    (
        "{source}: no file in {folder} has a name of this pattern. Correct the pattern; it starts at the study file's "
        "folder."
    ): "{source}: {folder} 里没有文件名符合这个通配路径。请改正；路径从研究文件所在的文件夹算起。",
    (
        "{source}: {name} is absent; the names of the other parts say that there are {total}. Copy it beside them."
    ): "{source}: 缺少 {name}；从其他分片的文件名看，共有 {total} 个。请把它复制过来。",
    "{source}: the name ends in {suffix}; data files end in {endings}. Rename or convert it.": (
        "{source}: 文件名以 {suffix} 结尾；数据文件以 {endings} 结尾。请改名或转换。"
    ),
    (
        "{source}: no such file, and the name ends in {suffix}; data files end in {endings}, hub ids are "
        "owner/name. Correct the name."
    ): (
        "{source}: 没有这个文件，而且名字以 {suffix} 结尾；数据文件以 {endings} 结尾，Hub 数据集写作 owner/name。"
        "请改正名字。"
    ),
    "{source}: not a file; data is read more than once. Write it to a file and give that.": (
        "{source}: 不是普通文件，而数据要读不止一遍。请先写入文件，再给出该文件。"
    ),
    "{source}: no rows in it; a data file holds at least one. Give a file with rows.": (
        "{source}: 里面没有样本；数据文件至少有一条。请给出有样本的文件。"
    ),
    "{source}: the file is empty; it holds rows. Give a file with rows.": (
        "{source}: 文件是空的，它应当含有样本。请给出有样本的文件。"
    ),
    "{source}: split {split} has no rows. Name another split: owner/name:split.": (
        "{source}: 数据划分 {split} 里没有样本。请指定另一个划分：owner/name:split。"
    ),
    "{source}: not a path ({error}). Give the path of a data file.": (
        "{source}: 不是路径（{error}）。请给出数据文件的路径。"
    ),
    "{source}: no such file in {folder}. Correct the path.": "{source}: {folder} 里没有这个文件。请改正路径。",
    "{source}: cannot be read ({why}). Give a readable file.": "{source}: 无法读取（{why}）。请给出可读的文件。",
    "{source}: not readable as {kind} ({error}). Write it again.": (
        "{source}: 无法按 {kind} 读取（{error}）。请重新生成这个文件。"
    ),
    (
        "{source}: not a file here, and the hub did not give split {split} ({error}). Without a network give the "
        "path of a file; a hub id is owner/name[/config][@revision][:split]."
    ): (
        "{source}: 这里没有这个文件，Hub 也没有给出划分 {split}（{error}）。没有网络时请给出文件路径；Hub 数据集"
        "写作 owner/name[/config][@revision][:split]。"
    ),
    (
        "{source}: found {n_examples} rows; splitting validation off takes at least {least_rows_to_split}. Give "
        "more rows, or data.validation."
    ): (
        "{source}: 共 {n_examples} 条；划出验证集至少需要 {least_rows_to_split} 条。请给出更多样本，或写 "
        "data.validation。"
    ),
    (
        "{source}: found {n_unique} different questions in {n_examples} rows; validation needs questions that "
        "training has not. Give data.validation."
    ): ("{source}: {n_examples} 条里有 {n_unique} 个不同的问题；验证集需要训练集没有的问题。请写 data.validation。"),
    (
        "{source}: data.train_rows is {n}, but there are {n_examples} training rows. Write a smaller number, or "
        "remove train_rows."
    ): ("{source}: data.train_rows 是 {n}，但训练样本只有 {n_examples} 条。请写更小的数，或删除 train_rows。"),
    (
        "{where}: the model's chat template refuses these turns ({value}): {why}. Change the turns, or use a model "
        "whose template takes them."
    ): ("{where}: 模型的对话模板不接受这些轮次（{value}）：{why}。请修改轮次，或换用模板能接受它们的模型。"),
    (
        "the tokenizer has no end-of-text token (eos_token); answers end with one. Set eos_token in its "
        "tokenizer_config.json."
    ): ("分词器没有结束标记（eos_token），而答案以它结尾。请在 tokenizer_config.json 里设置 eos_token。"),
    (
        "{where}: the model's chat template takes no tools, so they were put into a system turn, and that it "
        "refuses too: {why}. Remove `tools` from the rows, or use a model whose template takes them."
    ): (
        "{where}: 模型的对话模板不支持工具，因此工具被放进系统消息，而模板也不接受系统消息：{why}。请从样本中删除"
        " `tools`，或换用支持它们的模型。"
    ),
    (
        "data.system: the model's chat template refuses the system turn that it puts before the row ({where}): "
        "{why}. Remove data.system, or use a model whose template takes a system turn."
    ): (
        "data.system: 模型的对话模板不接受加在这一条（{where}）前面的系统消息：{why}。请删除 data.system，或换用"
        "支持系统消息的模型。"
    ),
    "{name}:1: found one object; a data file is an array of rows, or one object a line. {hint}": (
        "{name}:1：只有一个对象；数据文件是样本的数组，或每行一个对象。{hint}"
    ),
    "{name}:{line}: not readable as JSON ({error}). Correct or remove this row.": (
        "{name}:{line}：无法按 JSON 读取（{error}）。请改正或删除这一条。"
    ),
    (
        "{name}:{line}: not JSON at column {column}: {what}; every line is one JSON object. Correct or remove this "
        "line."
    ): ("{name}:{line}：第 {column} 列不是 JSON：{what}；每行是一个 JSON 对象。请改正或删除这一行。"),
    (
        '{name}:{line}: found {value}; a row is a JSON object {{"prompt": ..., "completion": ...}}. Write every row so.'
    ): ('{name}:{line}：现为 {value}；一条样本是 JSON 对象 {{"prompt": ..., "completion": ...}}。请每一条都这样写。'),
    "{name}:{line}: key {key} stands twice in one object; every key stands once. Remove one.": (
        "{name}:{line}：键 {key} 在同一个对象里出现两次；每个键只出现一次。请删除其中一个。"
    ),
    "{name}:1: the file is UTF-16; data files are UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 old > new.": (
        "{name}:1：文件是 UTF-16；数据文件用 UTF-8。请转换：iconv -f UTF-16 -t UTF-8 old > new。"
    ),
    "{name}: the file is empty; it holds one row a line. Give a file with rows.": (
        "{name}: 文件是空的；它每行一条样本。请给出有样本的文件。"
    ),
    "Save the list under {key} as the whole file.": "请把 {key} 下的列表存为整个文件。",
    "Write [ {...}, {...} ].": "请写成 [ {...}, {...} ]。",
    "{name}:1: found {text}; every line is a JSON object. Is it a CSV file? Then let its name end in .csv.": (
        "{name}:1：现为 {text}；每行是一个 JSON 对象。这是 CSV 文件吗？那么文件名应以 .csv 结尾。"
    ),
    (
        "{name}:{line}: the last line is cut off after {n} characters; every line is a whole JSON object. Copy the "
        "file again, or remove this line."
    ): ("{name}:{line}：最后一行在第 {n} 个字符后中断；每行是一个完整的 JSON 对象。请重新复制文件，或删除这一行。"),
    (
        "{name}:{line}: the last line is cut off inside a text; every line is a whole JSON object. Copy the file "
        "again, or remove this line."
    ): ("{name}:{line}：最后一行在文本中间中断；每行是一个完整的 JSON 对象。请重新复制文件，或删除这一行。"),
    ("{name}:{line}: found {rest} after the array; a file holds one array, or one object a line. Remove the rest."): (
        "{name}:{line}：数组之后还有 {rest}；文件是一个数组，或每行一个对象。请删除其余部分。"
    ),
    ("{name}:1: found {text}; a CSV file begins with its column names. Is it JSON? Then let its name end in .jsonl."): (
        "{name}:1：现为 {text}；CSV 文件以列名开头。这是 JSON 吗？那么文件名应以 .jsonl 结尾。"
    ),
    ("{name}:{line}: column {double} stands twice in the header; every column has its own name. Rename one of them."): (
        "{name}:{line}：列名 {double} 在表头出现两次；每列有自己的名字。请给其中一列改名。"
    ),
    (
        "{name}:{line}: byte 0x{byte:02x} is not UTF-8; data files are UTF-8. Save the file as UTF-8, or convert it: "
        "iconv -f ENCODING -t UTF-8 old > new."
    ): (
        "{name}:{line}：字节 0x{byte:02x} 不是 UTF-8；数据文件用 UTF-8。请另存为 UTF-8，或转换："
        "iconv -f 原编码 -t UTF-8 old > new。"
    ),
    "{name}: packed, and cannot be unpacked ({error}). Copy the file again.": (
        "{name}: 文件是压缩的，但无法解压（{error}）。请重新复制文件。"
    ),
    "Several lists stand in it ({keys}): save each as a file of its own.": (
        "其中有几个列表（{keys}）：请各存成一个文件。"
    ),
    "{name}: the file is packed ({packed}), not text. Unpack it, and give the file in it.": (
        "{name}: 文件是压缩的（{packed}），不是文本。请解压，再给出其中的文件。"
    ),
    "{source}: the name ends in {suffix}; data files end in {endings}. Unpack it, and give the file in it.": (
        "{source}: 名字以 {suffix} 结尾；数据文件以 {endings} 结尾。请解压，再给出其中的文件。"
    ),
    "{source}: the name ends in {suffix}; data files end in {endings}. Save the sheet as CSV (UTF-8).": (
        "{source}: 名字以 {suffix} 结尾；数据文件以 {endings} 结尾。请把工作表另存为 CSV（UTF-8）。"
    ),
    (
        "{source}:1: found {column} as the name of a column: the first line looks like a row. A table begins with the "
        "names of its columns: write a line above it, for example {names}, separated as the rows are."
    ): (
        "{source}:1：列名是 {column}：第一行看上去是数据。表格的第一行是列名：请在最上面加一行，"
        "例如 {names}，分隔方式与各行相同。"
    ),
    "Write the question and its answer in columns of their own.": "请把问题和答案各写成一列。",
    "{name}:{line}: the array is cut off; it ends with ]. Copy the file again.": (
        "{name}:{line}：数组中断了；它以 ] 结尾。请重新复制文件。"
    ),
    "{name}:{line}: not JSON at column {column}: {what}; the file is an array of objects. Fix this line.": (
        "{name}:{line}：第 {column} 列不是 JSON：{what}；文件是对象的数组。请改正这一行。"
    ),
    '{name}:{start}: not CSV: {error}; fields with quotes are written "like ""this""". Fix this row.': (
        '{name}:{start}：不是 CSV：{error}；含引号的字段写作 "like ""this"""。请改正这一行。'
    ),
    "{name}:{line}: found {text} between two rows; rows of an array are separated by a comma. Fix this line.": (
        "{name}:{line}：两条样本之间有 {text}；数组中的样本用逗号分隔。请改正这一行。"
    ),
    (
        "{name}:{start}: found {n_row} fields; the header has {n_header}. Put texts with {delimiter} or line "
        "breaks in double quotes."
    ): ("{name}:{start}：有 {n_row} 个字段，而表头有 {n_header} 个。含有 {delimiter} 或换行的文本请放在双引号里。"),
    "{place}: {key}: found {value}; must be a map of names. Correct it.": (
        "{place}: {key}: 现为 {value}；必须是名称的映射。请改正。"
    ),
    "{place}: found {value}; must be the name of a column. Correct it.": (
        "{place}: 现为 {value}；必须是列名。请改正。"
    ),
    (
        "{place}: found type {kind}; tunebook reads chat_template, sharegpt, alpaca and maps of fields. Give the "
        "data file itself."
    ): ("{place}: 类型为 {kind}；tunebook 能读 chat_template、sharegpt、alpaca 和字段映射。请直接给出数据文件。"),
    "{path}: more than 1 MiB; a data section is a page or two. Give the data file itself.": (
        "{path}: 超过 1 MiB；数据配置只有一两页。请直接给出数据文件。"
    ),
    "{path}: no entry with a file_name in it. Give the data file itself.": (
        "{path}: 没有含 file_name 的条目。请直接给出数据文件。"
    ),
    "{path}: {found}; they are {listed}. Name one: {path}:{first}.": (
        "{path}: {found}；现有 {listed}。请指定一个：{path}:{first}。"
    ),
    (
        "{place}: found ranking: true; that is preference data, and tunebook tunes on one answer a prompt. Name "
        "another data set."
    ): ("{place}: 有 ranking: true；那是偏好数据，而 tunebook 按每个提示一个答案来微调。请指定另一个数据集。"),
    "{place}: found columns.{refused}; tunebook tunes on one text answer a prompt. Name another data set.": (
        "{place}: 有 columns.{refused}；tunebook 按每个提示一个文本答案来微调。请指定另一个数据集。"
    ),
    "{place}: found formatting {form}; must be alpaca or sharegpt. Correct it.": (
        "{place}: formatting 是 {form}；必须是 alpaca 或 sharegpt。请改正。"
    ),
    "{place}: found {unknown}, which tunebook does not know. Remove it.": (
        "{place}: 有 {unknown}，tunebook 不认识它。请删除。"
    ),
    "{place}: found no file_name; tunebook reads files and hub data sets. Give the data file.": (
        "{place}: 没有 file_name；tunebook 读取文件和 Hub 数据集。请给出数据文件。"
    ),
    (
        "{path}: found rl: {value}; that is preference data, and tunebook tunes on one answer a prompt. Give "
        "another configuration."
    ): ("{path}: 有 rl: {value}；那是偏好数据，而 tunebook 按每个提示一个答案来微调。请给出另一个配置。"),
    "{place}: found {n_sets} data sets ({listed}); a study has one. Name one: {path}:1.": (
        "{place}: 有 {n_sets} 个数据集（{listed}）；一个研究只有一个。请指定一个：{path}:1。"
    ),
    "{place}: found no data set {name}; they count from 1 to {n_sets}. Correct it.": (
        "{place}: 没有数据集 {name}；编号从 1 到 {n_sets}。请改正。"
    ),
    "{path}: found merged maps (<<). Write the data section out.": "{path}: 有合并映射（<<）。请把数据部分完整写出。",
    "{place}: type: found {kind}; must be a prompt style or a map. Correct it.": (
        "{place}: type: 现为 {kind}；必须是提示格式或映射。请改正。"
    ),
    (
        "{place}: found type {kind}; whole texts are pretraining data, in which no answer can be scored. Name "
        "another data set."
    ): ("{place}: 类型为 {kind}；整段文本是预训练数据，其中没有可以评分的答案。请指定另一个数据集。"),
    "{place}: found type {kind}; that is preference data. Name another data set.": (
        "{place}: 类型为 {kind}；那是偏好数据。请指定另一个数据集。"
    ),
    "{place}: found system_prompt; in a study it is data.system. Move it there.": (
        "{place}: 有 system_prompt；在研究文件里它是 data.system。请移到那里。"
    ),
    "{path}: cannot be read ({why}). Give a readable file.": "{path}: 无法读取（{why}）。请给出可读的文件。",
    "{path}: not UTF-8. Save the file as UTF-8.": "{path}: 不是 UTF-8。请另存为 UTF-8。",
    "{path}: not readable as JSON ({error}). Fix the file.": "{path}: 无法按 JSON 读取（{error}）。请修好文件。",
    "found no entry {name}": "没有条目 {name}",
    "found {n} data sets": "有 {n} 个数据集",
    "{path}: not readable as YAML ({error}). Fix the file.": "{path}: 无法按 YAML 读取（{error}）。请修好文件。",
    ("{name}: no configurations in it; a table has a header and at least one line. Write one configuration a line."): (
        "{name}: 里面没有配置；表格有表头和至少一行。请每行写一个配置。"
    ),
    "{name}:1: found the columns {header}; at least one is a factor ({factor_kinds}). Rename the columns.": (
        "{name}:1：列名是 {header}；其中至少要有一个参数（{factor_kinds}）。请改列名。"
    ),
    (
        "{name}:1: column {column}: there is no such factor. Did you mean {factor}? Columns that are no factors "
        "have other names."
    ): ("{name}:1：列 {column}：没有这个参数。您是指 {factor} 吗？不是参数的列请用别的名字。"),
    "{path}: cannot be read ({why}). Give the path of a CSV file.": (
        "{path}: 无法读取（{why}）。请给出 CSV 文件的路径。"
    ),
    "{word}: {name} is no factor. Write a setting such as lora_r=64.{meant}": (
        "{word}: {name} 不是参数。请写成 lora_r=64 这样的形式。{meant}"
    ),
    "{word}: a setting is a factor, = and its value. Write it such as lora_r=64.{meant}": (
        "{word}: 一项设置由参数、= 和它的值组成。请写成 lora_r=64 这样的形式。{meant}"
    ),
    (
        "{word}: settings are separated by blanks, as in 'lora_r=64 learning_rate=3e-4'. Write a blank between them, "
        "and nothing else."
    ): "{word}: 各项设置之间用空格隔开，例如 'lora_r=64 learning_rate=3e-4'。请只用空格隔开。",
    "{word}: {factor} is there twice. Give it once.": "{word}: {factor} 出现了两次。请只写一次。",
    "{word}: {rule}. Correct the value.": "{word}: {rule}。请改正这个值。",
    " Did you mean {factor}?": "您是指 {factor} 吗？",
    "{name}:1: columns {other} and {column} are both {factor}; every factor has one column. Remove one of them.": (
        "{name}:1：列 {other} 和 {column} 都是 {factor}；每个参数只有一列。请删除其中一列。"
    ),
    ("{name}:{line}: {column}: found {text}; {rule}. Correct the cell, or leave it empty for the baseline's value."): (
        "{name}:{line}：{column}：现为 {text}；{rule}。请改正，或留空以使用基线的值。"
    ),
    "demo: {needed} questions of kind {kind} wanted; there are {n_pairs}. Ask for fewer rows.": (
        "demo: 需要 {needed} 个 {kind} 类问题，只有 {n_pairs} 个。请减少数量。"
    ),
    (
        "metric: {name} takes {signature}; a metric takes (answer, gold) or (answer, gold, example). Change its "
        "arguments."
    ): (
        "metric: {name} 的参数是 {signature}；评价函数的参数是 (answer, gold) 或 (answer, gold, example)。请修改"
        "它的参数。"
    ),
    (
        "metric: found {name}; module {module_name} has no function {function_name}, and no installed package brings "
        "a harness {module_name}. Write it, or correct the name."
    ): (
        "metric: 现为 {name}；模块 {module_name} 里没有函数 {function_name}，也没有安装的包提供评测框架 {module_name}。"
        "请写出它，或改正名字。"
    ),
    (
        "metric: found {name}; it fails on one answer and works on lists of them, so it is one number of all rows. "
        "Write metric: {{name: {quoted}, kind: statistic}}."
    ): (
        "metric: 现为 {name}；它不能用于单个答案，却能用于答案的列表，所以它是对全部样本的一个数。请写 metric: "
        "{{name: {quoted}, kind: statistic}}。"
    ),
    (
        "metric: found {name}; by the names of its arguments it is given lists, fails on them, and works on one "
        "answer. Write metric: {{name: {quoted}, kind: mean}}, or call the arguments answer and gold."
    ): (
        "metric: 现为 {name}；按参数的名字会传给它列表，它却不能用于列表，而能用于单个答案。请写 metric: "
        "{{name: {quoted}, kind: mean}}，或把参数命名为 answer 和 gold。"
    ),
    (
        "metric: {name} does not take these options ({error}); a function has kind, low, high, unit, "
        "lower_is_better and span. Correct them."
    ): (
        "metric: {name} 不接受这些选项（{error}）；函数的选项有 kind、low、high、unit、lower_is_better 和 span。"
        "请改正。"
    ),
    "metric: importing {module_name} failed with {kind}: {error}. Correct the module.": (
        "metric: 导入 {module_name} 失败，{kind}：{error}。请改正该模块。"
    ),
    ("metric: found {name}; a module is named without .py, and folders by dots. Write {right}."): (
        "metric: 现为 {name}；模块名不带 .py，文件夹用点分隔。请写 {right}。"
    ),
    (
        "metric: found {name}; there is no {file} and no installed module {missing}, and no installed package "
        "brings a harness of that name. Write the file beside the study file, install the package, or correct the name."
    ): (
        "metric: 现为 {name}；没有 {file}，没有安装模块 {missing}，也没有安装的包提供同名的评测框架。"
        "请在研究文件旁写出该文件，安装这个包，或改正名字。"
    ),
    (
        "metric: found {name}; {module_name} imports {missing}, which is not installed here. Install it, or write "
        "the metric without it."
    ): ("metric: 现为 {name}；{module_name} 导入了 {missing}，这里没有安装它。请安装它，或不用它来写评价指标。"),
    (
        "metric {name}: gave {value!r} on {n_answers} rows; a score is a number from {low} to {high}. Correct the "
        "function."
    ): ("metric {name}：对 {n_answers} 条样本给出 {value!r}；分数是从 {low} 到 {high} 的数。请改正该函数。"),
    "metric {name}: its result is {scale}, and it has no method score_all. Correct the metric.": (
        "metric {name}：它的结果是 {scale}，却没有 score_all 方法。请改正该评价指标。"
    ),
    (
        "metric {name}: failed on {n_answers} rows with {kind}: {error}; a metric gives a score for any answers, "
        "also empty ones. Correct the function."
    ): (
        "metric {name}：在 {n_answers} 条样本上失败，{kind}：{error}；评价指标对任何答案都要给出分数，包括空答案"
        "。请改正该函数。"
    ),
    (
        "metric: found {metric}, which is computed by {package}, and that is not installed ({error}). Run pip "
        "install 'tunebook[metrics]'."
    ): (
        "metric: 现为 {metric}，它由 {package} 计算，而后者没有安装（{error}）。请运行 pip install "
        "'tunebook[metrics]'。"
    ),
    (
        "metric {name}: gave {value!r} on example {index}; a score is a number from {low} to {high}. Correct the "
        "function."
    ): ("metric {name}：对样本 {index} 给出 {value!r}；分数是从 {low} 到 {high} 的数。请改正该函数。"),
    "metric: {name} needs the option {option}. Write metric: {{name: {name}, {option}: ...}}.": (
        "metric: {name} 必须有选项 {option}。请写 metric: {{name: {name}, {option}: ...}}。"
    ),
    "metric: {name} does not take these options ({error}). Correct them.": (
        "metric: {name} 不接受这些选项（{error}）。请改正。"
    ),
    "metric.{option}: found {value}; {name} has no such option, it takes {known}. Correct it.": (
        "metric.{option}: 现为 {value}；{name} 没有这个选项，它的选项有 {known}。请改正。"
    ),
    "metric.{option}: found {value}; {name} takes no options. Remove it.": (
        "metric.{option}: 现为 {value}；{name} 没有选项。请删除。"
    ),
    "metric.{option}: found {value}; for {name} it must be {rule}. Correct it.": (
        "metric.{option}: 现为 {value}；对 {name} 它必须是{rule}。请改正。"
    ),
    (
        "metric {name}: failed on example {index} with {kind}: {error}; a metric gives a score for any answer, "
        "also an empty one. Correct the function."
    ): (
        "metric {name}：在样本 {index} 上失败，{kind}：{error}；评价指标对任何答案都要给出分数，包括空答案。请改"
        "正该函数。"
    ),
    "of type {kind}": "类型 {kind}",
    "names with their values, in the study file itself": "直接写在研究文件里的名称及其值",
    "a list": "列表",
    "a number": "数字",
    "a whole number": "整数",
    "a text": "文本",
    "a label": "标签",
    "JSON that fits the schema": "符合模式的 JSON",
    ", or use exact_match or contains": "，或改用 exact_match 或 contains",
    "Point `model` at the model in full precision, with quantization: nf4 where memory is short.": (
        "请让 `model` 指向全精度的模型，内存不足时用 quantization: nf4。"
    ),
}
